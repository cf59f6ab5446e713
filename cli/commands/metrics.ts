// `weir metrics preview`: how many series a choice of labels makes, from the store, before Prometheus has them.

import type { TopAnswer } from '../../api/contract/mod.ts'
import { flowTable, groupNames, labelsDefault, serverPort } from '../../wire/mod.ts'
import { cliError } from '../errors.ts'
import { listingFlags } from '../render/listing.ts'
import { grouped } from '../render/number.ts'
import { rangeFlags, rangeOf } from '../source/range.ts'
import { createServer, serverFlag } from '../source/server.ts'
import { type Command, type CommandGroup, print, type Terminal, type Values } from './command.ts'
import { labelsOf, seriesFlags } from './process-flags.ts'

const labelsFlag = seriesFlags.find(({ name }) => name === 'metrics-labels')
const budgetFlag = seriesFlags.find(({ name }) => name === 'metrics-series')

const previewCommand: Command = {
  name: 'metrics preview',
  summary: 'Says how many series a choice of labels would make.',
  description:
    'Counts the label sets of the stored flows of a range. A family of both directions (bytes, packets) has up to two series per set; a histogram has 17 lines per series. What is beyond metrics.series is in one series `other`.',
  flags: [
    {
      name: 'labels',
      kind: 'text',
      metavar: 'FIELD,…',
      default: labelsDefault.join(','),
      ...(labelsFlag?.expectation ? { expectation: labelsFlag.expectation } : {}),
      help: 'The labels, as metrics.labels of the configuration file has them.',
    },
    {
      name: 'series',
      kind: 'number',
      default: budgetFlag?.default ?? '5000',
      min: 1,
      max: 1_000_000,
      help: 'The budget that they are compared with, as metrics.series.',
    },
    ...rangeFlags,
    {
      name: 'output',
      short: 'o',
      kind: 'choice',
      choices: ['text', 'json'],
      default: 'text',
      help: 'text for people, json for programs.',
    },
    serverFlag,
    ...listingFlags.filter(({ name }) => name === 'utc'),
  ],
  examples: [
    { command: 'weir metrics preview --from -1d', what: 'the labels that are set by default' },
    {
      command: 'weir metrics preview --labels src_workload,dst_workload,server_port',
      what: 'whether the port of the server can be added',
    },
  ],
  run,
}

export const metricsCommands: CommandGroup = {
  name: 'metrics',
  summary: 'Says beforehand what /metrics would hold.',
  commands: [previewCommand],
}

async function run(values: Values, terminal: Terminal): Promise<number> {
  const labels = labelsOf(values.text('labels') ?? '')
  const budget = values.number('series') ?? 0
  const range = rangeOf('metrics preview', values, terminal.now())
  const by = fieldsOf(labels)
  const question: [string, string][] = [
    ...range.question.map(([name, value]): [string, string] => [name, value]),
    ...by.map((name): [string, string] => ['by', name]),
    ['limit', '1'],
    ['fold', 'none'],
    ['metrics', 'opened'],
    ['order', '-total'],
  ]
  const answer: TopAnswer = await createServer(values, terminal).ask('/api/top', question)
  const sets = Number((answer.totals as Readonly<Record<string, unknown>>)['groups'] ?? 0)
  const folded = Math.max(0, 2 * sets - budget)
  if (values.text('output') === 'json') {
    print(
      terminal,
      JSON.stringify({ labels, label_sets: sets, series_max: 2 * sets, budget, folded }),
    )
    return 0
  }
  print(terminal, `labels      ${labels.join(', ')}`)
  print(terminal, `label sets  ${grouped(sets)} in ${range.text}`)
  print(terminal, `series      at most ${grouped(2 * sets)} of bytes, of packets, of retransmits`)
  print(terminal, `budget      ${grouped(budget)} per family: ${verdictOf(folded)}`)
  return 0
}

function verdictOf(folded: number): string {
  if (folded === 0) return 'all have a series of their own'
  return `up to ${grouped(folded)} are in the series other; their sum is exact`
}

/** Fields of /api/top for labels. Throws AppError bad_value: the store groups flows by fewer fields than a label may be. */
function fieldsOf(labels: readonly string[]): readonly string[] {
  const fields = [...new Set(labels.map((name) => (name === serverPort ? 'dst_port' : name)))]
  const known: ReadonlySet<string> = new Set(groupNames(flowTable))
  const unknown = fields.find((name) => !known.has(name))
  if (unknown === undefined && fields.length > 0) return fields
  const expected = 'one or more fields that flows are grouped by'
  const details = { command: 'metrics preview', name: '--labels', value: unknown ?? '', expected }
  throw cliError('bad_value', { details })
}
