// `weir explain`: what a filter means, and where each of its conditions is looked at.

import { AppError, messageOf } from '../../common/mod.ts'
import {
  conditionsOf,
  eventTable,
  type Filter,
  flowTable,
  formatFilter,
  parseAgentFilter,
  parseFilter,
} from '../../wire/mod.ts'
import { escaped, escapedJson } from '../render/escape.ts'
import { type Command, note, print, type Terminal, type Values } from './command.ts'

const tables = { flows: flowTable, events: eventTable } as const

export const explainCommand: Command = {
  name: 'explain',
  summary: 'Shows how a filter is read, and which of its conditions is looked at where.',
  description:
    'Asks nobody: the filter is only read. The store looks at all conditions; an agent with this --filter looks at all that it can take, and of those the kernel takes what it can, so that nothing else is counted, read and looked at.',
  operands: [
    {
      name: 'FILTER',
      required: true,
      repeatable: true,
      help: 'A filter: dst_port = 5432 and rtt > 5ms. In quotes: a shell would take > for itself.',
    },
  ],
  flags: [
    {
      name: 'table',
      kind: 'choice',
      choices: Object.keys(tables),
      default: 'flows',
      help: 'Whose fields the filter names: flows or events.',
    },
    {
      name: 'output',
      short: 'o',
      kind: 'choice',
      choices: ['table', 'json'],
      default: 'table',
      env: 'WEIR_OUTPUT',
      help: 'table for people, json for programs.',
    },
  ],
  examples: [
    { command: "weir explain 'dst_port = 5432 and rtt > 5ms'", what: 'what runs where' },
    { command: "weir explain --table events 'reason = NO_SOCKET' -o json", what: 'for a program' },
  ],
  run,
}

interface Explained {
  readonly filter: string
  /** Why an agent cannot take the condition as its filter; '' when it can. */
  readonly agent: string
  /** Whether a probe leaves out in the kernel what does not meet the condition, when it is in an agent's filter. */
  readonly kernel: readonly InKernel[]
  readonly sql: string
  readonly params: Readonly<Record<string, unknown>>
}

interface InKernel {
  readonly probe: 'socket' | 'drop'
  readonly takes: boolean
  /** Why it does not; '' when it does. */
  readonly why: string
}

async function run(values: Values, terminal: Terminal): Promise<number> {
  const { explainSql } = await import('../../central/mod.ts')
  const { pushDown } = await import('../../agent/mod.ts')
  const table = tables[values.text('table') as keyof typeof tables]
  const nowNs = BigInt(terminal.now()) * 1_000_000n
  const filter = parseFilter(values.operands('FILTER').join(' '), { table, nowNs })
  const explain = (part: Filter): Explained => {
    const { agent, kernel } = inAgent(part, pushDown)
    return { filter: formatFilter(part), agent, kernel, ...explainSql(part) }
  }
  const whole = explain(filter)
  const conditions = conditionsOf(filter).map(explain)
  if (values.text('output') === 'json') {
    const { sql, params } = whole
    const answer = { table: table.name, filter: whole.filter, tree: treeOf(filter), sql, params }
    print(terminal, escapedJson(textIds({ ...answer, conditions })))
    return 0
  }
  for (const line of treeLines(filter)) print(terminal, escaped(line))
  for (const one of conditions) {
    print(terminal, '')
    for (const line of conditionLines(one)) print(terminal, escaped(line))
  }
  note(terminal, `a filter on ${table.name}, ${conditions.length} conditions; nobody was asked`)
  return 0
}

/** An agent takes what names fields of flows and events alike; of that the kernel takes what it can see. */
function inAgent(
  part: Filter,
  pushDown: typeof import('../../agent/mod.ts').pushDown,
): Pick<Explained, 'agent' | 'kernel'> {
  const kernel = (whyOf: (probe: InKernel['probe']) => string): readonly InKernel[] =>
    probes.map((probe) => ({ probe, takes: whyOf(probe) === '', why: whyOf(probe) }))
  try {
    const [pushed] = pushDown(parseAgentFilter(formatFilter(part)))
    return { agent: '', kernel: kernel((probe) => pushed?.[probe].why ?? 'every row passes') }
  } catch (error) {
    return { agent: mistakeOf(error), kernel: kernel(() => 'no agent takes the condition') }
  }
}

const probes = ['socket', 'drop'] as const

/** Without a place: the condition is one of several, and right. */
function mistakeOf(error: unknown): string {
  if (!(error instanceof AppError)) return messageOf(error)
  return String(error.details['what'] ?? error.message)
}

const leftOut: Readonly<Record<InKernel['probe'], string>> = {
  socket: 'connections neither end of which meets it are left out',
  drop: 'packets that do not meet it are left out',
}

function conditionLines({ filter, agent, kernel, sql, params }: Explained): readonly string[] {
  const bound = Object.entries(params).map(([name, value]) => `${name} = ${String(value)}`)
  return [
    filter,
    `  store   ${sql}`,
    ...(bound.length > 0 ? [`          ${bound.join(', ')}`] : []),
    agent === '' ? '  agent   yes: --filter of weir agent and weir up' : `  agent   no: ${agent}`,
    ...kernelLines(kernel),
  ]
}

/** One line if the probes agree. */
function kernelLines(kernel: readonly InKernel[]): readonly string[] {
  const [first, ...rest] = kernel
  if (first && !first.takes && rest.every(({ why }) => why === first.why)) {
    return [`  kernel  no: ${first.why}`]
  }
  return kernel.map(({ probe, takes, why }, index) => {
    const begin = index === 0 ? '  kernel ' : '         '
    return `${begin} ${probe}: ${takes ? `yes, ${leftOut[probe]}` : `no, ${why}`}`
  })
}

/** One line per joint and comparison, what is inside further to the right. */
function treeLines(filter: Filter, indent = ''): readonly string[] {
  if (filter.kind === 'compare') return [`${indent}${formatFilter(filter)}`]
  const parts = filter.kind === 'not' ? [filter.part] : filter.parts
  if (parts.length === 0) return [`${indent}every row`]
  return [`${indent}${filter.kind}`, ...parts.flatMap((part) => treeLines(part, `${indent}  `))]
}

interface Tree {
  readonly kind: Filter['kind']
  readonly parts?: readonly Tree[]
  readonly fields?: readonly string[]
  readonly text?: string
}

function treeOf(filter: Filter): Tree {
  const { kind } = filter
  if (kind === 'compare') {
    return { kind, fields: filter.fields.map(({ name }) => name), text: formatFilter(filter) }
  }
  return { kind, parts: (kind === 'not' ? [filter.part] : filter.parts).map(treeOf) }
}

/** 64 bits are text in JSON, as in rows. */
function textIds(value: unknown): unknown {
  if (typeof value === 'bigint') return String(value)
  if (Array.isArray(value)) return value.map(textIds)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, textIds(one)]))
}
