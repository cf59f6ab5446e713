// Errors of the engine by ClickHouse's own numbers, from the binding's typed errors or its text.

/** An exception of the engine; `code` is ClickHouse's number (src/Common/ErrorCodes.cpp), 1002 = unknown. */
export class EngineError extends Error {
  readonly code: number

  constructor(code: number, message: string, cause?: unknown) {
    super(message, { cause })
    this.name = 'EngineError'
    this.code = code
  }
}

export function engineErrorOf(error: unknown): EngineError {
  if (error instanceof EngineError) return error
  const text = error instanceof Error ? error.message : String(error)
  const code = /Code: (\d+)/.exec(text)?.[1]
  if (code !== undefined) return new EngineError(Number(code), text.trim(), error)
  return new EngineError(1002, text.trim(), error)
}
