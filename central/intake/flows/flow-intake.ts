// NetFlow v5 and v9, IPFIX and sFlow v5 of other devices → rows of view interface. Datagrams come over UDP, IPFIX over
// TCP as well. Nobody acknowledges anything here: what is lost on the way is known by the exporters' sequence numbers.
//
//   datagram ─► allowed? ─► decode ─► row ─► batch ─► once a second: ingest.take ─► segment on disk ─► store

import { createSocket, type RemoteInfo, type Socket as UdpSocket } from 'node:dgram'
import { BlockList, isIP } from 'node:net'
import { type Component, messageOf, type Reporter } from '../../../common/mod.ts'
import type { Batch } from '../../../wire/mod.ts'
import { centralError } from '../../errors.ts'
import type { StageLedger } from '../../ingest/stage-ledger.ts'
import type { Endpoint, IntakeConfig } from '../config.ts'
import type { FlowSink } from './datagram.ts'
import { createDecoder, type Decoder } from './decode.ts'
import { createFlowLedger, type IntakeUnit } from './flow-ledger.ts'
import { receiveBuffer, receiveBytes, receiveRemedy } from './receive-buffer.ts'
import { createFlowRows, type FlowRows } from './rows.ts'
import type { FlowProtocol, Source, Stream } from './streams.ts'
import { listenTcp, type TcpDeps, type TcpIntake } from './tcp.ts'

export interface FlowIntakeDeps {
  readonly ledger: StageLedger
  /** Takes rows of one node; resolves when they would survive a power loss. */
  readonly take: (node: string, batch: Batch) => Promise<void>
  /** An exporter reports under that name. */
  readonly reported: (node: string, protocol: FlowProtocol) => void
  /** 16 octets of the fleet's key. */
  readonly fleetKey: () => Uint8Array
  readonly nowMs?: () => number
}

export interface FlowIntake extends Component {
  /** Where it listens, in the order of the configuration; only after start. */
  addresses(): readonly Endpoint[]
}

const flushMs = 1_000
const flushRows = 8_192
/** Rows that are on their way to the disk; beyond, records are lost, and counted. */
const pendingRowsMax = 400_000

/** Errors at start: `address_taken`. */
export function createFlowIntake(
  config: IntakeConfig,
  deps: FlowIntakeDeps,
  reporter: Reporter,
): FlowIntake {
  const { nowMs = Date.now } = deps
  const allowed = allowedOf(config.flowsFrom)
  const ledger = createFlowLedger(deps.ledger, reporter)
  const sockets: UdpSocket[] = []
  const tcp: TcpIntake[] = []
  let rows: FlowRows | undefined
  let pendingRows = 0
  let timer: NodeJS.Timeout | undefined
  let connections = 0
  const sending = new Set<Promise<void>>()
  const nodeOf = ({ address }: Pick<Stream, 'address'>) => config.exporters.get(address) ?? address
  const place = (stream: Stream, unit: IntakeUnit) => ({
    node: nodeOf(stream),
    protocol: stream.protocol,
    unit,
  })

  const sink: FlowSink = {
    flow: (stream, record, clock) => {
      const node = nodeOf(stream)
      if (!rows || pendingRows + rows.length() >= pendingRowsMax) {
        ledger.lose(place(stream, 'records'), 1, 'intake_full')
        return
      }
      const sampling = config.sampling.get(stream.address) ?? 0
      const outcome = rows.add(record, { stream, node, sampling, clock })
      if (outcome === 'too_large') {
        ledger.lose(place(stream, 'records'), 1, 'too_large')
        return
      }
      if (outcome === 'times_replaced') ledger.replacedTimes.add(1, stream.protocol)
      ledger.came(node, stream.protocol, 'records', 1)
      ledger.left(node, stream.protocol, 'records', 1)
    },
    notFlows: (stream, records) => ledger.leaveOut(place(stream, 'records'), records, 'not_a_flow'),
    withoutTemplate: (stream, sets) =>
      ledger.lose(place(stream, 'records'), sets, 'template_missing'),
    notSampled: (stream, samples) =>
      ledger.lose(place(stream, 'records'), samples, 'sampler_drops'),
    missing: (stream, numbers) =>
      ledger.lose(place(stream, unitOf(stream)), numbers, 'sequence_gap'),
    datagram: (stream, verdict) => {
      const node = nodeOf(stream)
      deps.reported(node, stream.protocol)
      if (verdict === 'duplicate') ledger.leaveOut(place(stream, 'datagrams'), 1, verdict)
      else if (verdict === 'bad_datagram') ledger.lose(place(stream, 'datagrams'), 1, verdict)
      else {
        ledger.came(node, stream.protocol, 'datagrams', 1)
        ledger.left(node, stream.protocol, 'datagrams', 1)
      }
    },
    refused: ({ address }, cause, what) => {
      ledger.refused.add(1, cause)
      reporter.limited.warn('refused', { from: address, cause, what }, 'refusing a datagram')
    },
  }
  const decoder: Decoder = createDecoder(sink)
  reporter.gauge(
    'streams',
    'Streams of exporters that are known',
    () => [...decoder.streams.all()].length,
  )
  reporter.gauge('waiting_bytes', 'Octets of records whose template has not come', () =>
    decoder.streams.waitingBytes(),
  )

  function receive(octets: Uint8Array, source: Source): void {
    if (!allowed(source.address)) {
      ledger.refused.add(1, 'not_allowed')
      reporter.limited.warn('not_allowed', { from: source.address }, 'an exporter is not allowed')
      return
    }
    decoder.take(octets, source, nowMs())
    if ((rows?.length() ?? 0) >= flushRows) flush()
  }

  function flush(): void {
    for (const { node, batch } of rows?.take() ?? []) {
      pendingRows += batch.length
      const sent = deps
        .take(node, batch)
        .catch((error) =>
          reporter.limited.error('take', { err: messageOf(error) }, 'storing rows of an exporter'),
        )
        .finally(() => {
          pendingRows -= batch.length
          sending.delete(sent)
        })
      sending.add(sent)
    }
  }

  function tick(): void {
    decoder.tick(nowMs())
    flush()
  }

  async function start(): Promise<void> {
    if (config.flows.length === 0) return
    const key = Uint8Array.from(deps.fleetKey())
    rows = createFlowRows(new Uint32Array(key.buffer))
    for (const endpoint of config.flows) await listen(endpoint)
    const buffer = receiveBuffer()
    const remedy = receiveRemedy(buffer)
    if (remedy !== '') reporter.log.warn({ ...buffer, remedy }, 'the kernel keeps few datagrams')
    timer = setInterval(tick, flushMs)
  }

  /** Both protocols at one port. A free one of UDP may be taken of TCP: then it is another. */
  async function listen(endpoint: Endpoint, tries = 10): Promise<void> {
    const socket = await listenUdp(endpoint, (octets, { address, port }) =>
      receive(octets, { address: plainAddress(address), port, connection: 0 }),
    )
    const { port } = socket.address()
    try {
      tcp.push(await listenTcp({ ...endpoint, port }, streamDeps))
    } catch (error) {
      socket.close()
      if (endpoint.port !== 0 || tries === 0) throw error
      return listen(endpoint, tries - 1)
    }
    socket.on('error', (error) =>
      reporter.limited.error('socket', { err: messageOf(error) }, 'reading datagrams'),
    )
    sockets.push(socket)
  }

  const streamDeps: TcpDeps = {
    accepts: (address) => allowed(plainAddress(address)),
    open: () => ++connections,
    message: (octets, source) =>
      receive(octets, { ...source, address: plainAddress(source.address) }),
    closed: decoder.closed,
  }

  /** What came is handed on; what is missing now is lost. */
  async function stop(): Promise<void> {
    clearInterval(timer)
    await Promise.all(tcp.map((server) => server.close()))
    await Promise.all(sockets.map((socket) => new Promise<void>((done) => socket.close(done))))
    decoder.tick(Number.MAX_SAFE_INTEGER)
    flush()
    await Promise.all(sending)
  }

  function addresses(): readonly Endpoint[] {
    return sockets.map((socket) => {
      const { address, port } = socket.address()
      return { host: address, port }
    })
  }

  return { name: 'flow-intake', start, stop, addresses }
}

/** What the sequence numbers of the protocol count. */
function unitOf({ protocol }: Stream): IntakeUnit {
  return protocol === 'netflow5' || protocol === 'ipfix' ? 'records' : 'datagrams'
}

async function listenUdp(
  { host, port }: Endpoint,
  receive: (octets: Uint8Array, from: RemoteInfo) => void,
): Promise<UdpSocket> {
  const type = isIP(host) === 6 ? 'udp6' : 'udp4'
  const socket = createSocket({ type, recvBufferSize: receiveBytes })
  socket.on('message', receive)
  try {
    await new Promise<void>((resolve, reject) => {
      socket.once('error', reject)
      socket.bind(port, host, resolve)
    })
  } catch (cause) {
    socket.close()
    if ((cause as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw cause
    throw centralError('address_taken', { details: { address: `${host}:${port}` }, cause })
  }
  socket.removeAllListeners('error')
  return socket
}

/** Whether flows of that address are taken. Entries are addresses and networks; the configuration was checked. */
function allowedOf(entries: readonly string[]): (address: string) => boolean {
  if (entries.length === 0) return () => true
  const list = new BlockList()
  for (const entry of entries) {
    const [address = '', prefix] = entry.split('/')
    const family = isIP(address) === 6 ? 'ipv6' : 'ipv4'
    list.addSubnet(address, Number(prefix ?? (family === 'ipv6' ? 128 : 32)), family)
  }
  return (address) => list.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4')
}

/** `::ffff:10.0.0.1` of a socket for both families is 10.0.0.1. */
function plainAddress(address: string): string {
  return address.startsWith('::ffff:') && address.includes('.') ? address.slice(7) : address
}
