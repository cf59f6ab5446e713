// What is known of each stream of an exporter: its templates, samplers, interfaces, sequence numbers, and the data that
// waits for a template. Everything has a bound, because a datagram can come from anybody.

import { createSequence, type Sequence } from './sequence.ts'
import type { Template } from './templates.ts'

export type FlowProtocol = 'netflow5' | 'netflow9' | 'ipfix' | 'sflow'

/** Who sent a datagram. */
export interface Source {
  readonly address: string
  readonly port: number
  /** Of a TCP connection, whose templates end with it; 0 of a datagram. */
  readonly connection: number
}

export interface Stream {
  readonly key: string
  readonly address: string
  readonly protocol: FlowProtocol
  readonly templates: Map<number, Template>
  /** Sampling rate by sampler; −1 is that of the whole stream. */
  readonly samplers: Map<number, number>
  readonly interfaces: Map<number, string>
  /** Data sets whose template is not known yet. */
  waiting: WaitingSet[]
  /** What they cost. */
  waitingBytes: number
  /** By source port: several processes of one host may use one number of a domain. */
  readonly sequences: Map<number, Sequence>
  /** Checksums of the last datagrams: one that is behind and the same is a copy. */
  readonly recent: Uint32Array
  recentAt: number
  uptimeMs: number
  /** When the exporter began, as an option record says; 0 = not said. */
  initMs: number
  /** sFlow: samples that the device had to leave out, by its sources. */
  readonly drops: Map<number, number>
  lastMs: number
}

export interface WaitingSet {
  readonly template: number
  readonly octets: Uint8Array
  readonly clock: ExportClock
  readonly receivedMs: number
}

/** The times of a datagram. */
export interface ExportClock {
  readonly receivedMs: number
  /** When it was sent, by the exporter's clock. */
  readonly exportMs: number
  /** Milliseconds since the exporter's start; −1 when it does not say. */
  readonly uptimeMs: number
}

export interface StreamLimits {
  readonly streams: number
  /** Of one stream. */
  readonly templates: number
  /** Of all templates. */
  readonly templateFields: number
  readonly waitingBytes: number
  readonly waitingBytesOfStream: number
  readonly waitingMs: number
  readonly idleMs: number
}

export const streamLimits: StreamLimits = {
  streams: 2_048,
  templates: 1_024,
  templateFields: 500_000,
  waitingBytes: 16 * 1024 ** 2,
  waitingBytesOfStream: 256 * 1024,
  waitingMs: 30 * 60_000,
  idleMs: 60 * 60_000,
}

const sequencesMax = 16
const interfacesMax = 4_096
const samplersMax = 256
const dropsMax = 4_096
const recentMax = 64

/** What a set takes in memory, however few octets it has. */
const setBytes = 128
const costOf = ({ octets }: WaitingSet) => octets.length + setBytes

export interface Streams {
  /** The stream of that domain; undefined when there are too many. */
  of(protocol: FlowProtocol, source: Source, domain: string, nowMs: number): Stream | undefined
  /** Keeps a data set until its template comes; gives how many sets had to go for it. */
  keep(stream: Stream, set: WaitingSet): number
  /** The sets that waited for the template. */
  takeWaiting(stream: Stream, template: number): readonly WaitingSet[]
  /** False when there is no room for it. */
  setTemplate(stream: Stream, template: Template): boolean
  forgetTemplates(stream: Stream, which: (template: Template) => boolean): void
  /** Forgets all sets that wait in the stream; gives how many. */
  clearWaiting(stream: Stream): number
  /** Forgets what is too old; `lost` hears of the sets that waited in vain. */
  sweep(nowMs: number, lost: (stream: Stream, sets: number) => void): void
  /** A TCP connection ended, and with it its templates. */
  close(connection: number, lost: (stream: Stream, sets: number) => void): void
  all(): Iterable<Stream>
  waitingBytes(): number
}

export function createStreams(limits: StreamLimits = streamLimits): Streams {
  const streams = new Map<string, Stream>()
  let waitingBytes = 0
  let templateFields = 0

  function streamOf(
    protocol: FlowProtocol,
    { address, connection }: Source,
    domain: string,
    nowMs: number,
  ): Stream | undefined {
    const key = `${connection} ${protocol} ${address} ${domain}`
    const known = streams.get(key)
    if (known) {
      known.lastMs = nowMs
      return known
    }
    if (streams.size >= limits.streams) return undefined
    const fresh = createStream(key, address, protocol)
    fresh.lastMs = nowMs
    streams.set(key, fresh)
    return fresh
  }

  function keep(stream: Stream, set: WaitingSet): number {
    const cost = costOf(set)
    let gone = 0
    while (stream.waiting.length > 0 && stream.waitingBytes + cost > limits.waitingBytesOfStream) {
      drop(stream)
      gone++
    }
    const fits = stream.waitingBytes + cost <= limits.waitingBytesOfStream
    if (!fits || waitingBytes + cost > limits.waitingBytes) return gone + 1
    stream.waiting.push(set)
    weigh(stream, cost)
    return gone
  }

  function weigh(stream: Stream, bytes: number): void {
    stream.waitingBytes += bytes
    waitingBytes += bytes
  }

  /** The oldest one goes. */
  function drop(stream: Stream): void {
    const set = stream.waiting.shift()
    if (set) weigh(stream, -costOf(set))
  }

  function takeWaiting(stream: Stream, template: number): readonly WaitingSet[] {
    const due = stream.waiting.filter((set) => set.template === template)
    if (due.length === 0) return due
    stream.waiting = stream.waiting.filter((set) => set.template !== template)
    for (const set of due) weigh(stream, -costOf(set))
    return due
  }

  function clearWaiting(stream: Stream): number {
    const sets = stream.waiting.length
    stream.waiting = []
    weigh(stream, -stream.waitingBytes)
    return sets
  }

  function setTemplate({ templates }: Stream, template: Template): boolean {
    const more = template.fields.length - (templates.get(template.id)?.fields.length ?? 0)
    const isNew = !templates.has(template.id)
    if (isNew && templates.size >= limits.templates) return false
    if (templateFields + more > limits.templateFields) return false
    templateFields += more
    templates.set(template.id, template)
    return true
  }

  function forgetTemplates({ templates }: Stream, which: (template: Template) => boolean): void {
    for (const template of [...templates.values()].filter(which)) {
      templateFields -= template.fields.length
      templates.delete(template.id)
    }
  }

  function forget(key: string, stream: Stream): void {
    clearWaiting(stream)
    forgetTemplates(stream, () => true)
    streams.delete(key)
  }

  function sweep(nowMs: number, lost: (stream: Stream, sets: number) => void): void {
    for (const [key, stream] of streams) {
      const isIdle = nowMs - stream.lastMs > limits.idleMs
      const oldest = isIdle ? Number.POSITIVE_INFINITY : nowMs - limits.waitingMs
      let sets = 0
      for (; (stream.waiting[0]?.receivedMs ?? Number.POSITIVE_INFINITY) < oldest; sets++) {
        drop(stream)
      }
      if (sets > 0) lost(stream, sets)
      if (isIdle) forget(key, stream)
    }
  }

  function close(connection: number, lost: (stream: Stream, sets: number) => void): void {
    for (const [key, stream] of streams) {
      if (!key.startsWith(`${connection} `)) continue
      const sets = clearWaiting(stream)
      if (sets > 0) lost(stream, sets)
      forget(key, stream)
    }
  }

  return {
    of: streamOf,
    keep,
    takeWaiting,
    clearWaiting,
    setTemplate,
    forgetTemplates,
    sweep,
    close,
    all: () => streams.values(),
    waitingBytes: () => waitingBytes,
  }
}

function createStream(key: string, address: string, protocol: FlowProtocol): Stream {
  return {
    key,
    address,
    protocol,
    templates: new Map(),
    samplers: new Map(),
    interfaces: new Map(),
    waiting: [],
    waitingBytes: 0,
    sequences: new Map(),
    recent: new Uint32Array(recentMax),
    recentAt: 0,
    uptimeMs: -1,
    initMs: 0,
    drops: new Map(),
    lastMs: 0,
  }
}

/** The sequence of the stream's datagrams from that port. */
export function sequenceOf(stream: Stream, port: number): Sequence {
  return bounded(stream.sequences, port, sequencesMax, createSequence)
}

/** Remembers the rate of a sampler; −1 is that of the whole stream. */
export function setSampler({ samplers }: Stream, sampler: number, rate: number): void {
  samplers.set(sampler, rate)
  if (samplers.size > samplersMax) samplers.delete(samplers.keys().next().value as number)
}

export function setInterface({ interfaces }: Stream, index: number, name: string): void {
  interfaces.set(index, name)
  if (interfaces.size > interfacesMax) interfaces.delete(interfaces.keys().next().value as number)
}

/** How many more samples of the source the device had to leave out since its last report. */
export function newDrops({ drops }: Stream, source: number, count: number): number {
  const before = drops.get(source)
  drops.set(source, count)
  if (drops.size > dropsMax) drops.delete(drops.keys().next().value as number)
  return before === undefined || count < before ? 0 : count - before
}

/** Whether the stream had a datagram of that checksum lately; it is remembered. */
export function isCopy(stream: Stream, checksum: number): boolean {
  if (stream.recent.includes(checksum)) return true
  stream.recent[stream.recentAt++ % recentMax] = checksum
  return false
}

function bounded<K, V>(map: Map<K, V>, key: K, most: number, make: () => V): V {
  const known = map.get(key)
  if (known !== undefined) return known
  if (map.size >= most) map.delete(map.keys().next().value as K)
  const fresh = make()
  map.set(key, fresh)
  return fresh
}
