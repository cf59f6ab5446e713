// `weir replay`: the flows in capture files, counted by the same program that counts on an interface.

import type { CaptureFlow, PlayedCapture, Replay } from '../../agent/mod.ts'
import { AppError } from '../../common/mod.ts'
import { csvLine } from '../render/csv.ts'
import { escapedJson } from '../render/escape.ts'
import { createTable, type TableColumn } from '../render/table.ts'
import { type Biflow, biflowsOf } from '../source/biflow.ts'
import { refuse } from '../source/local.ts'
import { type Command, note, print, type Terminal, type Values } from './command.ts'

export const replayCommand: Command = {
  name: 'replay',
  summary:
    'Shows the flows in captures (pcap, pcapng), counted by the program that counts on interfaces.',
  description:
    'A flow is one direction of one 5-tuple; bytes are L3 bytes, of the outermost IP header. What is no IP packet is counted by its cause, on standard error (with --output json: files). Takes root, as loading a program does.',
  operands: [
    {
      name: 'FILE',
      required: true,
      repeatable: true,
      help: 'Captures; gzip and zstd are unpacked.',
    },
  ],
  flags: [
    {
      name: 'into',
      kind: 'text',
      metavar: 'DIR',
      help: 'Puts the flows into the store of this data folder instead, as rows of view interface in the time of the capture; the node is the name of the file. No central may run there meanwhile.',
    },
    {
      name: 'biflow',
      kind: 'switch',
      help: 'Both directions in one row: reverse_packets, reverse_bytes.',
    },
    {
      name: 'output',
      short: 'o',
      kind: 'choice',
      choices: ['table', 'json', 'ndjson', 'csv'],
      default: 'table',
      env: 'WEIR_OUTPUT',
      help: 'table for people; json, ndjson, csv for programs.',
      group: 'Output',
    },
  ],
  examples: [
    { command: 'weir replay trace.pcap', what: 'who talked to whom in a capture' },
    {
      command: 'weir replay --biflow -o ndjson a.pcap b.pcapng.gz',
      what: 'both directions in one row, for a program',
    },
    {
      command: 'weir replay --into ./captures trace.pcap',
      what: 'into a store, for the page; it says how to look',
    },
  ],
  run,
}

/** Loaded when it is asked for: it brings the store. */
async function storeCaptures(values: Values, terminal: Terminal, replay: Replay): Promise<number> {
  const { storeCapturesIn } = await import('./replay-into.ts')
  return storeCapturesIn(values, terminal, replay)
}

type Row = (CaptureFlow | Biflow) & { readonly file?: string }

async function run(values: Values, terminal: Terminal): Promise<number> {
  const into = values.text('into')
  if (into !== undefined) refuse('replay', values, ['biflow', 'output'], '--into')
  const agent = await import('../../agent/mod.ts')
  const replay = agent.openReplay()
  try {
    if (into !== undefined) return await storeCaptures(values, terminal, replay)
    return await playAll(values, terminal, (file) => agent.playCapture(file, replay))
  } finally {
    replay.close()
  }
}

/** A file that cannot be read is reported; the others are played, and its exit code is the command's. */
async function playAll(
  values: Values,
  terminal: Terminal,
  play: (file: string) => Promise<PlayedCapture>,
): Promise<number> {
  const files = values.operands('FILE')
  const shown = createOutput(values, terminal, files.length > 1)
  let exitCode = 0
  for (const file of files) {
    try {
      shown.add(await play(file))
    } catch (error) {
      if (!(error instanceof AppError) || files.length === 1) throw error
      note(terminal, `weir: ${error.message}`)
      exitCode = error.exitCode
    }
  }
  shown.end()
  return exitCode
}

interface Output {
  readonly add: (played: PlayedCapture) => void
  readonly end: () => void
}

function createOutput(values: Values, terminal: Terminal, named: boolean): Output {
  const form = values.text('output')
  const biflow = values.on('biflow')
  const fields = [...(named ? ['file'] : []), ...(biflow ? biflowFields : flowFields)]
  const table = createTable(columnsOf(fields), terminal.columns)
  const kept: { readonly rows: Row[]; readonly files: object[] } = { rows: [], files: [] }
  if (form === 'csv') print(terminal, fields.join(','))

  function add(played: PlayedCapture): void {
    const flows = biflow ? biflowsOf(played) : played.flows
    const rows: readonly Row[] = named
      ? flows.map((flow) => ({ file: played.file, ...flow }))
      : flows
    if (form === 'json') {
      kept.rows.push(...rows)
      kept.files.push(summaryOf(played))
      return
    }
    if (rows.length > 0) terminal.out.write(`${linesOf(rows).join('\n')}\n`)
    note(terminal, describe(played))
  }

  function linesOf(rows: readonly Row[]): readonly string[] {
    if (form === 'ndjson') return rows.map((row) => escapedJson({ ...row }))
    if (form === 'csv') return rows.map((row) => csvLine(fields.map((name) => cellOf(row, name))))
    return table.lines(rows)
  }

  return { add, end: () => form === 'json' && print(terminal, escapedJson({ ...kept })) }
}

const flowFields = [
  'family',
  'src',
  'sport',
  'dst',
  'dport',
  'proto',
  'packets',
  'bytes',
  'tcp_flags',
]
const biflowFields = [...flowFields, 'reverse_packets', 'reverse_bytes', 'reverse_tcp_flags']
const right = new Set(['packets', 'bytes', 'reverse_packets', 'reverse_bytes', 'sport', 'dport'])

function columnsOf(fields: readonly string[]): readonly TableColumn<Row>[] {
  return fields.map((name) => ({
    head: name.replaceAll('_', ' ').toUpperCase(),
    priority: name === 'family' || name.endsWith('tcp_flags') ? 1 : 0,
    ...(right.has(name) ? { align: 'right' as const } : {}),
    cell: (row) => String(cellOf(row, name)),
  }))
}

function cellOf(row: Row, name: string): string | number {
  return (row as unknown as Readonly<Record<string, string | number>>)[name] ?? ''
}

function summaryOf({ file, packets, truncated, nonIp, unparsed, damage, flows }: PlayedCapture) {
  return { file, packets, truncated, non_ip: nonIp, unparsed, damage, flows: flows.length }
}

/** `trace.pcap: 70 packets in 2 flows; 3 not of IP: 2 ethertype 0x0806 (ARP), 1 IP header cut off`. */
function describe({ file, packets, flows, nonIp, unparsed, damage }: PlayedCapture): string {
  const causes = Object.entries(unparsed).map(([cause, count]) => `${count} ${cause}`)
  const rest = nonIp === 0 ? '' : `; ${nonIp} not of IP: ${causes.join(', ')}`
  const end = damage === '' ? '' : `; not read to its end: ${damage}`
  return `${file}: ${packets} packets in ${flows.length} flows${rest}${end}`
}
