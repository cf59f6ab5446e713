// An agent made of a socket: sends what a test wants, well-formed or not, and remembers what comes back.

import { randomUUID } from 'node:crypto'
import { connect, type NetConnectOpts, type Socket } from 'node:net'
import {
  appendRow,
  createBatch,
  createBlockEncoder,
  createMessageDecoder,
  encodeFrame,
  encodeJsonMessage,
  encodeMessage,
  type FrameFields,
  flowTable,
  type Refusal,
  type RowValues,
  readAck,
  readJsonBody,
  schemaNumbers,
  streamPreface,
} from '../../wire/mod.ts'

export interface FakeAgent {
  readonly id: string
  readonly acked: readonly number[]
  readonly refused: readonly Refusal[]
  isWelcome(): boolean
  isClosed(): boolean
  send(octets: Uint8Array): void
  sendFrame(sequence: number, rows: readonly RowValues[], change?: Partial<FrameFields>): void
  close(): void
}

export const boot = randomUUID()

/** Connects and says HELLO, except with `hello: false`. */
export function connectFake(
  to: NetConnectOpts,
  options: { id?: string; node?: string; hello?: boolean; clockShiftMs?: number } = {},
): FakeAgent {
  const id = options.id ?? randomUUID()
  const acked: number[] = []
  const refused: Refusal[] = []
  const socket: Socket = connect(to)
  const decoder = createMessageDecoder({ preface: false })
  let welcome = false
  let closed = false
  socket.on('data', (octets) =>
    decoder.push(octets, ({ type, body }) => {
      if (type === 'welcome') welcome = true
      if (type === 'ack') acked.push(readAck(body))
      if (type === 'refuse') refused.push(readJsonBody(body) as unknown as Refusal)
    }),
  )
  socket.on('error', () => undefined)
  socket.on('close', () => {
    closed = true
  })
  if (options.hello !== false) {
    socket.write(streamPreface)
    const hello = helloOf(id, options.node ?? 'node-1')
    const timeMs = hello.timeMs + (options.clockShiftMs ?? 0)
    socket.write(encodeJsonMessage('hello', { ...hello, timeMs }))
  }

  function sendFrame(sequence: number, rows: readonly RowValues[], change = {}): void {
    socket.write(encodeMessage('frame', frameOf({ agent: id, sequence, ...change }, rows)))
  }

  return {
    id,
    acked,
    refused,
    isWelcome: () => welcome,
    isClosed: () => closed,
    send: (octets) => void socket.write(octets),
    sendFrame,
    close: () => socket.destroy(),
  }
}

export function helloOf(agent: string, node: string) {
  return {
    protocol: 1,
    agent,
    boot,
    node,
    version: '0.0.1',
    intervalMs: 5_000,
    timeMs: Date.now(),
    schemas: schemaNumbers(),
  }
}

/** A flow frame whose header is right for the rows, except for what `fields` changes. */
export function frameOf(
  fields: Partial<FrameFields> & Pick<FrameFields, 'agent' | 'sequence'>,
  rows: readonly RowValues[],
): Buffer {
  const table = fields.table ?? flowTable
  const batch = createBatch(table, rows.length)
  for (const row of rows) appendRow(batch, row)
  const times = rows.map((row) => row['time'] as bigint).toSorted((a, b) => (a < b ? -1 : 1))
  const whole: FrameFields = {
    table,
    schema: table.schema,
    codec: 'zstd',
    boot,
    rows: rows.length,
    timeMin: times[0] as bigint,
    timeMax: times.at(-1) as bigint,
    ...fields,
  }
  return encodeFrame(whole, createBlockEncoder().encode(batch))
}

/** A row of now; `mark` is its connection. */
export function rowOfNow(mark: number, change: RowValues = {}): RowValues {
  const time = BigInt(Date.now()) * 1_000_000n
  const ends = { src_address: '10.0.0.1', dst_address: '10.0.0.2', src_port: 40_000, dst_port: 80 }
  const kind = { node: 'node-1', view: 'socket', counted: true, observer: 'both' }
  return {
    time,
    ...kind,
    protocol: 'tcp',
    ...ends,
    bytes: 10,
    opened: 1,
    connection_id: BigInt(mark),
    ...change,
  }
}
