// The list `exports` of the configuration file: its keys, and the settings of each export.

import type { ExportConfig } from '../../central/mod.ts'
import type { ConfigItem, ConfigMistake } from '../../common/config/mod.ts'
import { messageOf, parseDurationMs } from '../../common/mod.ts'
import type { Flag } from '../commands/command.ts'

const kinds = ['postgresql', 'ipfix', 'otlp', 'files', 'nats', 'kafka'] as const

/** A key of one export, described as a flag is; `config` is its name in the list. */
export interface ExportKey extends Flag {
  readonly config: string
  /** May be written as a list. */
  readonly isList?: true
  /** Kinds that know it; all when left out. */
  readonly kinds?: readonly (typeof kinds)[number][]
}

const text = (name: string, help: string, more: Partial<ExportKey> = {}): ExportKey => ({
  name,
  kind: 'text',
  config: name,
  fileOnly: true,
  help,
  ...more,
})

/** Every key of an export, in the order of the reference page. */
export const exportKeys: readonly ExportKey[] = [
  text('name', 'What it is called in weir exports; by default its kind and its number.'),
  text('kind', 'What it speaks.', { kind: 'choice', choices: kinds }),
  text('dsn', 'The database: postgresql://USER:PASSWORD@HOST:PORT/DATABASE.', {
    kinds: ['postgresql'],
    secret: true,
  }),
  text(
    'endpoint',
    'Where the receiver is: udp://, tcp:// or tls://HOST:PORT of ipfix; http:// or https://HOST:PORT of otlp; nats:// or tls://HOST:PORT of nats; kafka:// or tls://HOST:PORT of kafka. Of these two several servers may stand behind commas.',
    { kinds: ['ipfix', 'otlp', 'nats', 'kafka'] },
  ),
  text('path', 'Absolute path of the folder that the files are written to.', { kinds: ['files'] }),
  text('tables', 'Tables whose rows it gets; flows by default.', { isList: true }),
  text('rows', 'counted (default): every byte once; all: also the second view of a connection.', {
    kind: 'choice',
    choices: ['counted', 'all'],
  }),
  text('filter', 'Only rows that pass it, in the filter language.'),
  text('fields', 'Fields that are exported; all by default.', { isList: true }),
  text('batch_rows', 'Rows of a batch at most; 10000 by default.', {
    kind: 'number',
    min: 1,
    max: 1_000_000,
  }),
  text('timeout', 'A batch that is not taken within it is sent again; 10s by default.', {
    kind: 'duration',
    min: 100,
    max: 600_000,
  }),
  text('retry_max', 'The longest pause between two tries; 30s by default.', {
    kind: 'duration',
    min: 100,
    max: 3_600_000,
  }),
  text('tls_ca', 'File of the certificates that the receiver is checked against, in PEM.'),
  text('tls_cert', 'File of our certificate, in PEM.'),
  text('tls_key', 'File of its key, in PEM.'),
  text(
    'retention',
    'How long rows are kept. postgresql: whole days are dropped, 30d by default. files: whole files are removed, by default none. nats: of a stream that is made, 7d by default.',
    { kind: 'duration', min: 86_400_000, kinds: ['postgresql', 'files', 'nats'] },
  ),
  text('format', 'ndjson (default), parquet or arrow.', {
    kind: 'choice',
    choices: ['ndjson', 'parquet', 'arrow'],
    kinds: ['files'],
  }),
  text('rotate_size', 'A file ends when so much was collected for it; 64MiB by default.', {
    kind: 'size',
    min: 1024,
    max: 1_073_741_824,
    kinds: ['files'],
  }),
  text('rotate_age', 'A file ends when its first row came so long ago; 1h by default.', {
    kind: 'duration',
    min: 1_000,
    max: 2_592_000_000,
    kinds: ['files'],
  }),
  text('protocol', 'grpc (default) or http/protobuf.', {
    kind: 'choice',
    choices: ['grpc', 'http/protobuf'],
    kinds: ['otlp'],
  }),
  text('compression', 'gzip (default), zstd (not of gRPC; less CPU) or none.', {
    kind: 'choice',
    choices: ['gzip', 'zstd', 'none'],
    kinds: ['otlp', 'kafka'],
  }),
  text('headers', 'Headers of every request: NAME=VALUE, NAME=VALUE.', {
    secret: true,
    isList: true,
    kinds: ['otlp'],
  }),
  text('signals', 'traces, metrics, logs; all of them by default.', {
    isList: true,
    kinds: ['otlp'],
  }),
  text('dialect', 'Names of attributes of spans: semconv (default) or ebpf_receiver.', {
    kind: 'choice',
    choices: ['semconv', 'ebpf_receiver'],
    kinds: ['otlp'],
  }),
  text('temporality', 'Of sums: cumulative (default) or delta.', {
    kind: 'choice',
    choices: ['cumulative', 'delta'],
    kinds: ['otlp'],
  }),
  text('stream', 'The stream of JetStream; WEIR by default, made when it is not there.', {
    kinds: ['nats'],
  }),
  text('subject', 'Messages have the subject SUBJECT.flows or SUBJECT.events; weir by default.', {
    kinds: ['nats'],
  }),
  text('topic', 'Messages go to the topic TOPIC.flows or TOPIC.events; weir by default.', {
    kinds: ['kafka'],
  }),
  text('user', 'Name that the server knows us by.', { kinds: ['nats', 'kafka'] }),
  text('password', 'Its password.', { kinds: ['nats', 'kafka'], secret: true }),
  text('sasl', 'How the password is said: plain (default), scram-sha-256 or scram-sha-512.', {
    kind: 'choice',
    choices: ['plain', 'scram-sha-256', 'scram-sha-512'],
    kinds: ['kafka'],
  }),
  text('credentials', 'File of credentials (.creds).', { kinds: ['nats'] }),
  text('template_refresh', 'How often templates are sent over UDP; 1m by default.', {
    kind: 'duration',
    min: 5_000,
    max: 600_000,
    kinds: ['ipfix'],
  }),
  text('mtu', 'Octets of a message at most; 1400 over UDP, else 16384.', {
    kind: 'number',
    min: 256,
    max: 65_000,
    kinds: ['ipfix'],
  }),
  text('observation_domain', 'Number of the observation domain; 1 by default.', {
    kind: 'number',
    max: 4_294_967_295,
    kinds: ['ipfix'],
  }),
  text(
    'enterprise_number',
    'Private enterprise number under which process, workload, RTT and retransmits are sent; without it they are not.',
    {
      kind: 'number',
      min: 1,
      max: 4_294_967_295,
      kinds: ['ipfix'],
    },
  ),
  text('db_init_sql_path', 'File of SQL that is run after the tables are made.', {
    kinds: ['postgresql'],
  }),
]

const common = new Set(
  exportKeys.filter((key) => key.kinds === undefined).map(({ config }) => config),
)

/** Where the receiver is, as each kind calls it. */
const places = new Set(['dsn', 'endpoint', 'path'])

/** What the list says. Throws nothing: `exportMistakes` says what is wrong with it. */
export function exportsOf(items: readonly ConfigItem[]): readonly ExportConfig[] {
  return items.map(exportOf)
}

function exportOf({ values }: ConfigItem, index: number): ExportConfig {
  const text = (key: string) => values.get(key)?.text
  const list = (key: string) =>
    text(key)
      ?.split(',')
      .map((part) => part.trim())
  const kind = (text('kind') ?? '') as ExportConfig['kind']
  const own = [...values].filter(([key]) => !common.has(key) && !places.has(key))
  const tls = { ca: text('tls_ca'), cert: text('tls_cert'), key: text('tls_key') }
  const whole = {
    name: text('name') ?? `${kind}-${index + 1}`,
    kind,
    endpoint: [...places].map(text).find((place) => place !== undefined) ?? '',
    tables: list('tables'),
    rows: text('rows'),
    filter: text('filter'),
    fields: list('fields'),
    batchRows: text('batch_rows') === undefined ? undefined : Number(text('batch_rows')),
    timeoutMs: parseDurationMs(text('timeout') ?? ''),
    retryMaxMs: parseDurationMs(text('retry_max') ?? ''),
    tls: Object.values(tls).every((file) => file === undefined) ? undefined : known(tls),
    options: Object.fromEntries(own.map(([key, value]) => [key, value.text])),
  }
  return known(whole) as unknown as ExportConfig
}

/** Without the members that are undefined. */
function known<T extends object>(whole: T): Partial<T> {
  return Object.fromEntries(
    Object.entries(whole).filter(([, value]) => value !== undefined),
  ) as Partial<T>
}

/** What is wrong with each export as a whole, at the place where it begins; `known` mistakes come first. */
export async function exportMistakes(
  items: readonly ConfigItem[],
  known: readonly ConfigMistake[],
): Promise<readonly ConfigMistake[]> {
  if (items.length === 0) return []
  const { checkExports } = await import('../../central/mod.ts')
  const exports = exportsOf(items)
  return items.flatMap((item, index): ConfigMistake[] => {
    const next = items[index + 1]?.line ?? Number.POSITIVE_INFINITY
    if (known.some(({ line }) => line >= item.line && line < next)) return []
    const strange = strangeIn(item)
    if (strange) return [strange]
    const own = exports[index] as ExportConfig
    const twin = exports.find(({ name }) => name === own.name)
    try {
      checkExports(twin === own || !twin ? [own] : [{ ...own }, own])
    } catch (error) {
      return [{ line: item.line, column: item.column, message: messageOf(error) }]
    }
    return []
  })
}

/** No kind, or a key that the kind does not know. */
function strangeIn(item: ConfigItem): ConfigMistake | undefined {
  const kind = item.values.get('kind')?.text
  if (kind === undefined) {
    const message = `kind is missing: one of ${kinds.join(', ')}`
    return { line: item.line, column: item.column, message }
  }
  const key = exportKeys.find(
    (one) => item.values.has(one.config) && one.kinds?.every((known) => known !== kind),
  )
  const place = key && item.values.get(key.config)
  return (
    place && {
      line: place.line,
      column: place.column,
      message: `${key.config} is no key of ${kind}`,
    }
  )
}
