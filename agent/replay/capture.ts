// Plays a capture file through the flow probe's program and says which flows it held, and what was no IP packet.

import { type CapturedPacket, type FlowSink, packetLink, type Replay } from '../../kernel/mod.ts'
import { agentError } from '../errors.ts'
import { type CaptureFlows, createCaptureFlows } from './capture-flows.ts'
import { type CaptureReader, type CaptureRecord, emptyRecord } from './format.ts'
import { type OctetSource, openOctets } from './octets.ts'
import { openPcap } from './pcap.ts'
import { openPcapng } from './pcapng.ts'
import { createCaptureWindow } from './window.ts'

export interface PlayedCapture extends CaptureFlows {
  readonly file: string
  readonly packets: number
  /** Packets of which fewer octets were captured than they had. */
  readonly truncated: number
  /** Why the rest of the file could not be read; '' = it ended where it should. */
  readonly damage: string
}

/** LINKTYPE of a capture file to the link that the program opens. */
const links = new Map<number, number>([
  [0, packetLink.loopback],
  [1, packetLink.ethernet],
  [9, packetLink.ppp],
  [12, packetLink.raw],
  [14, packetLink.raw],
  [50, packetLink.ppp],
  [101, packetLink.raw],
  [108, packetLink.loopback],
  [113, packetLink.cooked],
  [228, packetLink.raw],
  [229, packetLink.raw],
  [276, packetLink.cooked2],
])

/** Who takes the flows of a capture. */
export interface CaptureTaker {
  readonly add: FlowSink
  /** Which interface a packet is of, as a number in the records of its flows; its link type when not given. */
  readonly interfaceOf?: (record: Readonly<CaptureRecord>) => number
  /** Before a packet: `drain` hands over the flows of all packets before it. */
  readonly before?: (record: Readonly<CaptureRecord>, drain: () => void) => void
}

/** What is known of a capture besides its flows. */
export type CaptureEnd = Pick<PlayedCapture, 'packets' | 'truncated' | 'damage'>

/** Throws `capture_unreadable`, `capture_unknown`. */
export async function playCapture(file: string, replay: Replay): Promise<PlayedCapture> {
  const flows = createCaptureFlows()
  const end = await playInto(file, replay, flows)
  return { file, ...end, ...flows.result() }
}

/** The same for whoever wants the flows as they come. */
export async function playInto(
  file: string,
  replay: Replay,
  taker: CaptureTaker,
): Promise<CaptureEnd> {
  const octets = openOctets(file)
  try {
    return await play(file, octets, replay, taker)
  } finally {
    octets.close()
  }
}

async function play(
  file: string,
  octets: OctetSource,
  ...[replay, taker]: [Replay, CaptureTaker]
): Promise<CaptureEnd> {
  const record = emptyRecord()
  const queue = createQueue(file, replay, taker)
  const window = createCaptureWindow(octets, replay.window, queue.run)
  await window.refill()
  const { view } = window
  const { reader, headerBytes } = readerOf(file, view, window.end())
  let damage = ''
  await window.skip(headerBytes)
  for (;;) {
    const length = reader.next(view, window.from(), window.end(), record)
    if (length < 0) {
      damage = 'a record that cannot be'
      break
    }
    if (!window.holds(length) && window.canHold(length)) {
      if (await window.refill()) continue
      if (window.from() === window.end()) break
      damage = 'it ends within a record'
      if (reader.next(view, window.from(), window.end(), record) === 0) break
    }
    if (record.isPacket && record.offset <= window.end()) queue.add(record, window.end())
    if (!(await window.skip(length))) break
  }
  queue.drain()
  return { damage, ...queue.counts() }
}

interface Queue {
  readonly add: (record: Readonly<CaptureRecord>, end: number) => void
  readonly run: () => void
  readonly drain: () => void
  readonly counts: () => { readonly packets: number; readonly truncated: number }
}

function createQueue(file: string, replay: Replay, taker: CaptureTaker): Queue {
  const none = { offset: 0, held: 0, length: 0, link: 0, interface: 0, seconds: 0, nanoseconds: 0 }
  const packet: CapturedPacket = none
  let [packets, truncated] = [0, 0]

  function add(record: Readonly<CaptureRecord>, end: number): void {
    taker.before?.(record, drain)
    packets++
    packet.offset = record.offset
    packet.held = Math.min(record.held, end - record.offset)
    packet.length = record.length
    packet.interface = taker.interfaceOf?.(record) ?? record.linkType
    packet.link = links.get(record.linkType) ?? packetLink.unknown
    packet.seconds = record.seconds
    packet.nanoseconds = record.nanoseconds
    if (record.held !== record.length) truncated++
    if (replay.add(packet)) run()
  }

  function run(): void {
    replay.run()
    if (replay.flows() > replay.flowsMax / 2) drain()
  }

  function drain(): void {
    replay.run()
    const { unlisted } = replay.drain(taker.add)
    if (unlisted === 0) return
    const reason = 'more flows at once than there is room for'
    throw agentError('capture_unreadable', { details: { file, reason } })
  }

  return { add, run, drain, counts: () => ({ packets, truncated }) }
}

function readerOf(
  file: string,
  view: DataView,
  end: number,
): { readonly reader: CaptureReader; readonly headerBytes: number } {
  const pcap = openPcap(view, end)
  if (pcap !== undefined) return pcap
  const reader = openPcapng(view, end)
  if (reader !== undefined) return { reader, headerBytes: 0 }
  throw agentError('capture_unknown', { details: { file } })
}
