// The one error class of Weir. Every code stands in a table of its folder (errors.ts) with the words a
// person reads, the HTTP status, the exit code and the remedy; nothing else decides those.

/** One row of an error table. `message` may hold `{name}` slots that `details` fill. */
export interface ErrorRow {
  readonly message: string
  readonly status: number
  readonly exitCode: number
  readonly remedy: string
}

/** Code → row; the `errors.ts` of each folder exports one. */
export type ErrorTable = Readonly<Record<string, ErrorRow>>

/** What the thrower adds to the words of the table. */
export interface ErrorOptions {
  /** Values for the `{name}` slots; also machine-readable details of the API's error body. */
  readonly details?: Readonly<Record<string, string | number>>
  readonly cause?: unknown
}

/** An error that a person can act on: code, words, HTTP status, exit code, remedy. */
export class AppError extends Error {
  readonly code: string
  readonly status: number
  readonly exitCode: number
  readonly remedy: string
  readonly details: Readonly<Record<string, string | number>>

  constructor(code: string, row: ErrorRow, options: ErrorOptions = {}) {
    const details = options.details ?? {}
    super(fill(row.message, details), { cause: options.cause })
    this.name = 'AppError'
    this.code = code
    this.status = row.status
    this.exitCode = row.exitCode
    this.remedy = fill(row.remedy, details)
    this.details = details
  }
}

/** Makes the constructor function of one folder's table: `fail('port_taken', { details: { port } })`. */
export function errorsOf<T extends ErrorTable>(
  table: T,
): (code: keyof T & string, options?: ErrorOptions) => AppError {
  return (code, options) => new AppError(code, table[code] as ErrorRow, options)
}

/** The text of any thrown thing, without a stack. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

function fill(text: string, details: Readonly<Record<string, string | number>>): string {
  return text.replace(/\{(\w+)\}/g, (slot, name: string) => String(details[name] ?? slot))
}
