// NetFlow v9 and IPFIX: sets of templates, and sets of records that only a template explains.

import type { DatagramContext } from './datagram.ts'
import type { FlowRecord } from './flow-record.ts'
import { BadDatagram, needOctets, u16At } from './octets.ts'
import type { SequenceCount } from './sequence.ts'
import { type ExportClock, type Stream, setInterface, setSampler } from './streams.ts'
import { type Dialect, readRecords, readTemplates, type Template } from './templates.ts'

const headLengths: Readonly<Record<Dialect, number>> = { netflow9: 20, ipfix: 16 }
/** Set numbers: templates, templates of options. */
const templateSets: Readonly<Record<Dialect, readonly [number, number]>> = {
  netflow9: [0, 1],
  ipfix: [2, 3],
}

/** Gives how many records there were; undefined when a set waits for its template. */
export function decodeTemplated(context: DatagramContext): SequenceCount | undefined {
  const { octets, stream, sink } = context
  const dialect = stream.protocol as Dialect
  const [ofFlows, ofOptions] = templateSets[dialect]
  let at = headLengths[dialect]
  const count = { all: 0, flows: 0 }
  let isKnown = true
  while (octets.length - at >= 4) {
    const id = u16At(octets, at)
    const length = u16At(octets, at + 2)
    if (length < 4) throw new BadDatagram(`a set of ${length} octets`)
    needOctets(octets, at, length)
    const content = octets.subarray(at + 4, at + length)
    if (id === ofFlows || id === ofOptions) takeTemplates(context, content, id === ofOptions)
    else if (id >= 256) {
      const records = takeData(context, id, content)
      if (records === undefined) isKnown = false
      else {
        count.all += records
        if (!stream.templates.get(id)?.isOptions) count.flows += records
      }
    }
    at += length
  }
  sink.datagram(stream, 'taken')
  return isKnown ? count : undefined
}

function takeTemplates(context: DatagramContext, content: Uint8Array, isOptions: boolean): void {
  const { stream, streams } = context
  const dialect = stream.protocol as Dialect
  for (const news of readTemplates(content, dialect, isOptions)) {
    if ('withdrawn' in news) {
      streams.forgetTemplates(stream, withdrawn(news.withdrawn, templateSets[dialect]))
      continue
    }
    const { template } = news
    if (!streams.setTemplate(stream, template))
      throw new BadDatagram('there are too many templates')
    for (const set of streams.takeWaiting(stream, template.id)) {
      try {
        readSet(context, template, set.octets, set.clock)
      } catch (error) {
        if (!(error instanceof BadDatagram)) throw error
        context.sink.withoutTemplate(stream, 1)
      }
    }
  }
}

/** The number of a set of templates stands for all of its kind (RFC 7011, 8.1). */
function withdrawn(
  id: number,
  [ofFlows, ofOptions]: readonly [number, number],
): (template: Template) => boolean {
  if (id !== ofFlows && id !== ofOptions) return (template) => template.id === id
  return ({ isOptions }) => isOptions === (id === ofOptions)
}

function takeData(context: DatagramContext, id: number, content: Uint8Array): number | undefined {
  const { stream, streams, sink, clock } = context
  const template = stream.templates.get(id)
  if (template) return readSet(context, template, content, clock)
  if (content.length === 0) return 0
  const set = {
    template: id,
    octets: Uint8Array.from(content),
    clock,
    receivedMs: clock.receivedMs,
  }
  const gone = streams.keep(stream, set)
  if (gone > 0) sink.withoutTemplate(stream, gone)
  return undefined
}

function readSet(
  { stream, record, sink }: DatagramContext,
  template: Template,
  content: Uint8Array,
  clock: ExportClock,
): number {
  let others = 0
  const records = readRecords(content, template, record, (one) => {
    if (!template.isOptions && isFlow(one)) sink.flow(stream, one, clock)
    else {
      learn(stream, one)
      others++
    }
  })
  if (others > 0) sink.notFlows(stream, others)
  return records
}

/** Who talked to whom, and how much. */
function isFlow(record: FlowRecord): boolean {
  const hasCount = record.bytes >= 0 || record.totalBytes >= 0 || record.reverseBytes >= 0
  return record.hasSrc && record.hasDst && hasCount
}

/** What an option record says of the exporter: how it samples, how its interfaces are called. */
function learn(stream: Stream, record: FlowRecord): void {
  const rate = samplingOf(record)
  if (record.initMs > 0) stream.initMs = record.initMs
  if (rate > 0) setSampler(stream, record.sampler, rate)
  if (record.interfaceName !== '' && record.input > 0) {
    setInterface(stream, record.input, record.interfaceName)
  }
}

/** One of how many packets; 0 = the record does not say. With a space (306), `sampling` packets in a row are taken. */
export function samplingOf({ sampling, samplingSpace }: FlowRecord): number {
  if (sampling <= 0) return 0
  return samplingSpace >= 0 ? (sampling + samplingSpace) / sampling : sampling
}
