// Captures what an interface sends and receives into a pcapng file, until it is stopped: frames as they are, times in
// nanoseconds, and as a comment the process and the label of each frame.

import { once } from 'node:events'
import { createWriteStream, type WriteStream } from 'node:fs'
import { hostname } from 'node:os'
import type { Writable } from 'node:stream'
import { setTimeout as pause } from 'node:timers/promises'
import { messageOf, readVersion } from '../../common/mod.ts'
import {
  createPacketLabels,
  openCapture,
  type PacketSocket,
  placeOf,
  type XdpTarget,
} from '../../kernel/mod.ts'
import { type Filter, rowTest } from '../../wire/mod.ts'
import { agentError } from '../errors.ts'
import { createFrameFields, type FrameFields, readFrame } from './frame.ts'
import { createFrameRows, type FrameRows } from './frame-rows.ts'
import { fileHead, type PacketOfFile, packetBlock, statisticsBlock } from './pcapng-writer.ts'
import { createSocketOwners } from './socket-owners.ts'

export interface LiveCaptureConfig {
  readonly target: XdpTarget
  /** `-` is standard output. */
  readonly file: string
  /** Octets of each frame; 0 = all. */
  readonly snap: number
  /** Of the table `events`; all frames when not given. */
  readonly filter?: Filter
  /** It ends after so many. */
  readonly countMax?: number
  readonly ended: AbortSignal
  /** Frames are captured from now on. */
  readonly onOpen?: () => void
  /** Often, also when nothing has changed. */
  readonly onProgress?: (counts: LiveCaptureCounts) => void
}

/** seen = captured + filtered + dropped, and what came after `countMax`. */
export interface LiveCaptureCounts {
  /** Frames that came. */
  readonly seen: number
  /** In the file. */
  readonly captured: number
  /** Left out by the filter. */
  readonly filtered: number
  /** The kernel had no room for them. */
  readonly dropped: number
}

const [linkEthernet, linkRaw] = [1, 101]
const snapMax = 262_144
const calmMs = 10
/** The kernel hands over its last block soon after the end. */
const lastMs = 5000

/** Resolves when all that came is in the file. Throws `capture_unwritable`, and what opening the socket throws. */
export async function captureLive(config: LiveCaptureConfig): Promise<LiveCaptureCounts> {
  const socket = await openCapture(config.target, config.snap)
  try {
    const { interface: name } = config.target
    const isEthernet = socket.linkType === linkEthernet
    const output = await openOutput(config.file)
    const startNs = nowNs()
    config.onOpen?.()
    await output.write(
      fileHead({
        application: `weir ${readVersion()}`,
        interface: name,
        linkType: isEthernet ? linkEthernet : linkRaw,
        snap: config.snap || snapMax,
      }),
    )
    const counts = await writeFrames(config, socket, output)
    const { seen: received, dropped } = counts
    await output.write(statisticsBlock({ startNs, endNs: nowNs(), received, dropped }))
    await output.end()
    return counts
  } finally {
    socket.close()
  }
}

async function writeFrames(
  config: LiveCaptureConfig,
  socket: PacketSocket,
  output: Output,
): Promise<LiveCaptureCounts> {
  const { ended, onProgress, countMax = Number.POSITIVE_INFINITY } = config
  const select = createSelect(config, socket)
  let [drained, captured, filtered] = [0, 0, 0]
  const counts = () => ({ ...socket.counts(), captured, filtered })

  async function turn(): Promise<number> {
    const { frames, chosen } = select()
    const kept = chosen.slice(0, countMax - captured)
    drained += frames
    filtered += frames - chosen.length
    captured += kept.length
    if (kept.length > 0) await output.write(Buffer.concat(kept.map(packetBlock)))
    return frames
  }

  while (!ended.aborted && captured < countMax) {
    const frames = await turn()
    onProgress?.(counts())
    if (frames === 0) await pause(calmMs, undefined, { signal: ended }).catch(() => {})
  }
  socket.halt()
  const endMs = Date.now() + lastMs
  const isLeft = () => {
    const { seen, dropped } = socket.counts()
    return drained < seen - dropped && Date.now() < endMs
  }
  while (isLeft()) {
    if ((await turn()) === 0) await pause(calmMs)
  }
  return counts()
}

/** Drains the socket once: how many frames there were, and those that the filter lets through. */
function createSelect({ target, filter }: LiveCaptureConfig, socket: PacketSocket) {
  const { netns } = placeOf(target)
  const rows: FrameRows = createFrameRows({
    node: hostname(),
    interface: target.interface,
    netns,
    owners: createSocketOwners(netns),
    labelOf: createLabels(target),
  })
  const fields = createFrameFields()
  const isEthernet = socket.linkType === linkEthernet

  return () => {
    const packets: PacketOfFile[] = []
    rows.begin()
    const frames = socket.drain((frame) => {
      const { seconds, nanoseconds, isSent, length } = frame
      readFrame(frame.octets, length, isEthernet, fields)
      const timeNs = BigInt(seconds) * 1_000_000_000n + BigInt(nanoseconds)
      const comment = rows.add({ fields, isSent, timeNs })
      packets.push({ ...frame, octets: Uint8Array.from(frame.octets), comment })
    })
    if (!filter) return { frames, chosen: packets }
    const passes = rowTest(filter, rows.batch())
    return { frames, chosen: packets.filter((_, row) => passes(row)) }
  }
}

const rulesAgainMs = 1000

/** By the rules that are in force on the interface, looked at again every second. */
function createLabels(target: XdpTarget): (fields: FrameFields) => number {
  const labels = createPacketLabels(target)
  let lookedMs = 0

  return (fields) => {
    if (Date.now() - lookedMs > rulesAgainMs) {
      labels.refresh()
      lookedMs = Date.now()
    }
    const { family, source, destination, protocol, sourcePort, destinationPort } = fields
    if (family === 0) return 0
    const ports = { source: sourcePort, destination: destinationPort }
    return labels.labelOf({ source, destination, protocol, ...(sourcePort >= 0 && { ports }) })
  }
}

function nowNs(): bigint {
  return BigInt(Date.now()) * 1_000_000n
}

interface Output {
  /** Resolves when there is room for more. */
  write(octets: Buffer): Promise<void>
  end(): Promise<void>
}

/** A file is for its owner alone: it holds what others said. */
async function openOutput(file: string): Promise<Output> {
  if (file === '-') return outputOf(process.stdout, file, async () => {})
  const stream: WriteStream = createWriteStream(file, { mode: 0o600 })
  await once(stream, 'open').catch((cause: unknown) => {
    throw unwritable(file, cause)
  })
  return outputOf(stream, file, async () => {
    stream.end()
    await once(stream, 'close')
  })
}

function outputOf(stream: Writable, file: string, end: () => Promise<void>): Output {
  let failure: unknown
  stream.on('error', (error) => {
    failure = error
  })
  const check = () => {
    if (failure !== undefined) throw unwritable(file, failure)
  }
  return {
    write: async (octets) => {
      check()
      if (!stream.write(octets)) await once(stream, 'drain').catch(() => {})
      check()
    },
    end: async () => {
      await end()
      check()
    },
  }
}

function unwritable(file: string, cause: unknown): Error {
  return agentError('capture_unwritable', { details: { file, reason: messageOf(cause) }, cause })
}
