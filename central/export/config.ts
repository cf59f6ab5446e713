// The settings of one export: which rows, to whom, within which bounds.

import {
  allOf,
  type Field,
  type Filter,
  inOneView,
  parseFilter,
  type Table,
  tableNamed,
} from '../../wire/mod.ts'
import { exportError } from './errors.ts'

export const exportKinds = ['postgresql', 'ipfix', 'otlp', 'files', 'nats', 'kafka'] as const
export type ExportKind = (typeof exportKinds)[number]

/** Files in PEM; what is not given is the system's, or nothing. */
export interface ExportTls {
  readonly ca?: string
  readonly cert?: string
  readonly key?: string
}

export interface ExportConfig {
  /** Unique; letters, digits, dash and underscore: a file is named after it. */
  readonly name: string
  readonly kind: ExportKind
  /** Where the receiver is; which form it has is the kind's. */
  readonly endpoint: string
  /** Tables whose rows are exported; flows when not given. */
  readonly tables?: readonly string[]
  /** counted (the default): every byte once. all: each node's view of it. */
  readonly rows?: 'counted' | 'all'
  /** In the filter language; rows that do not pass are counted as filtered. */
  readonly filter?: string
  /** Fields that are exported, where the kind lets one choose; all when not given. */
  readonly fields?: readonly string[]
  /** Rows of a batch at most, 10,000 when not given. */
  readonly batchRows?: number
  /** A batch that is not taken within it is sent again: 10 s when not given. */
  readonly timeoutMs?: number
  /** The longest pause between two tries: 30 s when not given. */
  readonly retryMaxMs?: number
  readonly tls?: ExportTls
  /** What only one kind knows: see the kind's own config. */
  readonly options?: Readonly<Record<string, string>>
}

export const exportDefaults = { batchRows: 10_000, timeoutMs: 10_000, retryMaxMs: 30_000 } as const

/** Which rows of a table an export takes. */
export interface RowPlan {
  readonly table: Table
  readonly filter: Filter
  /** In the table's order. */
  readonly fields: readonly string[]
}

/** Throws AppError `export_wrong`, which names the export and what is wrong with it. */
export function plansOf(config: ExportConfig): readonly RowPlan[] {
  const wrong = (what: string) =>
    exportError('export_wrong', { details: { name: config.name, what } })
  if (!/^[\w-]{1,64}$/.test(config.name)) throw wrong('its name may have letters, digits, - and _')
  return (config.tables ?? ['flows']).map((name) => {
    const table = tableNamed(name)
    if (!table?.measured) throw wrong(`there is no table ${name} to export`)
    return planOf(config, table, wrong)
  })
}

function planOf(config: ExportConfig, table: Table, wrong: (what: string) => Error): RowPlan {
  const context = { table, nowNs: BigInt(Date.now()) * 1_000_000n }
  const known = new Set(table.fields.map(({ name }) => name))
  const unknown = config.fields?.find((name) => !known.has(name))
  if (unknown !== undefined) throw wrong(`${unknown} is no field of ${table.name}`)
  const isCounted = (config.rows ?? 'counted') === 'counted' && known.has('counted')
  const asked = parsed(config.filter ?? '', context, wrong)
  const filters = [
    parseFilter(isCounted ? 'counted = true' : '', context),
    known.has('view') ? inOneView(asked) : asked,
  ]
  const wanted = config.fields && new Set(config.fields)
  const fields = table.fields.map(({ name }) => name).filter((name) => wanted?.has(name) ?? true)
  return { table, filter: allOf(filters), fields }
}

function parsed(
  text: string,
  context: Parameters<typeof parseFilter>[1],
  wrong: (what: string) => Error,
): Filter {
  try {
    return parseFilter(text, context)
  } catch (error) {
    throw wrong(`its filter: ${(error as Error).message}`)
  }
}

/** Fields of the plans by the name of their table, in the table's order. */
export function chosenFields(plans: readonly RowPlan[]): ReadonlyMap<string, readonly Field[]> {
  return new Map(
    plans.map(({ table, fields }) => {
      const wanted = new Set(fields)
      return [table.name, table.fields.filter(({ name }) => wanted.has(name))]
    }),
  )
}
