// Records that are events as they stand: each becomes one row, by the entry of its probe in the registry. What needs
// more (an owner, a connection, several records for one row) has a file of its own beside this one.

import { type EventSpec, type ProbeSpec, probeSpecs, type RecordMember } from '../../kernel/mod.ts'
import { type Batch, eventTable, type Field, type Interner } from '../../wire/mod.ts'
import type { Moment } from '../rows/moment.ts'
import { createTextCache, type TextCache } from '../rows/text-cache.ts'
import { createWallTime, type WallTime } from '../rows/wall-time.ts'
import { batchRowsMax, createWriter } from '../rows/writer.ts'
import { createHeldRecords } from './held-records.ts'

export interface PlainEvents {
  /** By source: takes whole records, which are copied. */
  readonly takes: Readonly<Record<string, (words: Uint32Array, count: number) => void>>
  /** The batch is used again. */
  report(moment: Moment, emit: (batch: Batch) => void): void
  takeCounts(): PlainCounts
}

/** Since last taken; the records of all sources = rows + full. */
export interface PlainCounts {
  readonly records: ReadonlyMap<string, number>
  readonly rows: number
  /** Lost, because an interval had too many. */
  readonly full: number
}

export interface PlainEventsOptions {
  readonly node: string
  /** Default: the registry. */
  readonly specs?: readonly Pick<ProbeSpec, 'name' | 'events'>[]
  /** Records of one source in one interval that are kept; what is beyond is counted as lost. */
  readonly recordsMax?: number
}

export function createPlainEvents(options: PlainEventsOptions): PlainEvents {
  const { node, specs = probeSpecs, recordsMax = 262_144 } = options
  const sources = specs.flatMap(({ name, events }) =>
    events ? [createSource({ name, events, node, recordsMax })] : [],
  )

  function takeCounts(): PlainCounts {
    const taken = sources.map((source) => source.takeCounts())
    return {
      records: new Map(sources.map(({ name }, index) => [name, taken[index]?.records ?? 0])),
      rows: taken.reduce((sum, { rows }) => sum + rows, 0),
      full: taken.reduce((sum, { full }) => sum + full, 0),
    }
  }

  return {
    takes: Object.fromEntries(sources.map(({ name, take }) => [name, take])),
    report: (moment, emit) => {
      for (const source of sources) source.report(moment, emit)
    },
    takeCounts,
  }
}

interface SourceOptions {
  readonly name: string
  readonly events: EventSpec
  readonly node: string
  readonly recordsMax: number
}

function createSource({ name, events, node, recordsMax }: SourceOptions) {
  const recordWords = events.recordBytes / 4
  const members = membersOf(name, events)
  const held = createHeldRecords(recordWords)
  const writer = createWriter(eventTable)
  const wallTime = createWallTime()
  let names: Interner | undefined
  let texts: TextCache | undefined
  let counts = { records: 0, rows: 0, full: 0 }

  function take(words: Uint32Array, more: number): void {
    const kept = Math.min(more, recordsMax - held.count())
    held.add(words, kept)
    counts.records += more
    counts.full += more - kept
  }

  function report(moment: Moment, emit: (batch: Batch) => void): void {
    wallTime.begin(moment)
    for (let from = 0; from < held.count(); from += batchRowsMax) {
      const to = Math.min(held.count(), from + batchRowsMax)
      writer.begin()
      for (let record = from; record < to; record++) write(held.words(), record * recordWords)
      counts.rows += to - from
      emit(writer.batch())
    }
    held.clear(batchRowsMax)
  }

  function write(words: Uint32Array, at: number): void {
    const row = writer.next()
    const columns = writer.columns()
    const interner = writer.batch().names
    if (interner !== names || !texts) texts = createTextCache(interner)
    names = interner
    columns.node.values[row] = interner.index(node)
    columns.kind.values[row] = interner.index(events.kind)
    columns.count.values[row] = 1
    const record = { words, at, wallTime, texts, names }
    const byName: Readonly<Record<string, AnyColumn>> = columns
    for (const { field, member } of members) {
      const column = byName[field.name] as AnyColumn
      if (column.nulls) column.nulls[row] = 0
      put(column, row, { ...record, field, member })
    }
  }

  function takeCounts() {
    const taken = counts
    counts = { records: 0, rows: 0, full: 0 }
    return taken
  }

  return { name, take, report, takeCounts }
}

interface Member {
  readonly field: Field
  readonly member: RecordMember
}

/** The members with their fields. A name that the table lacks, or a kind that no record can carry, is a defect of the entry. */
function membersOf(probe: string, { fields, recordBytes }: EventSpec): readonly Member[] {
  return Object.entries(fields).map(([name, member]) => {
    const field = eventTable.fields.find((known) => known.name === name)
    const at = typeof member === 'number' ? member : member.at
    const width = field && widths[typeof member === 'number' ? field.kind : 'u32']
    if (
      !field ||
      width === undefined ||
      at % Math.min(width, 4) !== 0 ||
      at + width > recordBytes
    ) {
      throw new Error(`the probe ${probe} has no member of a record for the field ${name}`)
    }
    return { field, member }
  })
}

/** Octets of a record that a field takes, by its kind. */
const widths: Readonly<Partial<Record<Field['kind'], number>>> = {
  time: 8,
  id: 8,
  counter: 8,
  address: 16,
  name: 16,
  u32: 4,
  u16: 2,
  u8: 1,
  flag: 1,
}

interface AnyColumn {
  readonly values: Uint32Array | Float64Array | Uint16Array | Uint8Array
  readonly nulls?: Uint8Array
}

/** One record, and which of its members goes where. */
interface Place extends Member {
  readonly words: Uint32Array
  /** Word at which the record begins. */
  readonly at: number
  readonly wallTime: WallTime
  readonly texts: TextCache
  readonly names: Interner
}

const two32 = 0x1_0000_0000

function put(column: AnyColumn, row: number, place: Place): void {
  const { field, member, words, at, texts, names } = place
  const octet = typeof member === 'number' ? member : member.at
  const word = at + (octet >> 2)
  const value = words[word] as number
  if (typeof member !== 'number') {
    column.values[row] = names.index(member.words[value] ?? String(value))
    return
  }
  switch (field.kind) {
    case 'time':
      place.wallTime.write(column as { values: Uint32Array }, row, words, word)
      return
    case 'counter':
      column.values[row] = Math.min(
        value + (words[word + 1] as number) * two32,
        Number.MAX_SAFE_INTEGER,
      )
      return
    case 'name':
      column.values[row] = texts.indexOf(words, word)
      return
    case 'id':
      column.values.set(words.subarray(word, word + 2), row * 2)
      return
    case 'address':
      column.values.set(words.subarray(word, word + 4), row * 4)
      return
    case 'u32':
      column.values[row] = value
      return
    default:
      column.values[row] = (value >>> ((octet & 3) * 8)) & (field.kind === 'u16' ? 0xffff : 0xff)
  }
}
