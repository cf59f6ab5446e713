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
  const wallTime = createWallTime()
  const now: Now = { names: undefined, texts: undefined, node: 0, kind: 0 }
  const members = membersOf(name, events).map(({ field, member }) => {
    return { name: field.name, put: putOf({ field, member }, now, wallTime) }
  })
  const held = createHeldRecords(recordWords)
  const writer = createWriter(eventTable)
  let counts = { records: 0, rows: 0, full: 0 }
  /** The columns of the members; others once the memory has grown. */
  let targets: AnyColumn[] = []
  let targetsOf: unknown

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
      useNames(writer.batch().names)
      for (let record = from; record < to; record++) write(held.words(), record * recordWords)
      counts.rows += to - from
      emit(writer.batch())
    }
    held.clear(batchRowsMax)
  }

  function useNames(names: Interner): void {
    if (names !== now.names) now.texts = createTextCache(names)
    now.names = names
    now.node = names.index(node)
    now.kind = names.index(events.kind)
  }

  function write(words: Uint32Array, at: number): void {
    const row = writer.next()
    const columns = writer.columns()
    if (columns !== targetsOf) {
      const byName: Readonly<Record<string, AnyColumn>> = columns
      targets = members.map((member) => byName[member.name] as AnyColumn)
      targetsOf = columns
    }
    columns.node.values[row] = now.node
    columns.kind.values[row] = now.kind
    columns.count.values[row] = 1
    for (let index = 0; index < members.length; index++) {
      const column = targets[index] as AnyColumn
      if (column.nulls) column.nulls[row] = 0
      members[index]?.put(column, row, words, at)
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

/** What the rows of a batch share. */
interface Now {
  names: Interner | undefined
  texts: TextCache | undefined
  /** Indexes in `names`. */
  node: number
  kind: number
}

/** Writes one member of the record that begins at word `at`. */
type Put = (column: AnyColumn, row: number, words: Uint32Array, at: number) => void

const two32 = 0x1_0000_0000

function putOf({ field, member }: Member, now: Now, wallTime: WallTime): Put {
  if (typeof member !== 'number') {
    const word = member.at >> 2
    return (column, row, words, at) => {
      const value = words[at + word] as number
      column.values[row] = now.names?.index(member.words[value] ?? String(value)) ?? 0
    }
  }
  const word = member >> 2
  switch (field.kind) {
    case 'time':
      return (column, row, words, at) =>
        wallTime.write(column as { values: Uint32Array }, row, words, at + word)
    case 'counter':
      return (column, row, words, at) => {
        const high = words[at + word + 1] as number
        const value = (words[at + word] as number) + high * two32
        column.values[row] = Math.min(value, Number.MAX_SAFE_INTEGER)
      }
    case 'name':
      return (column, row, words, at) => {
        column.values[row] = now.texts?.indexOf(words, at + word) ?? 0
      }
    case 'id':
      return copyOf(word, 2)
    case 'address':
      return copyOf(word, 4)
    default:
      return partOf(
        member,
        field.kind === 'u32' ? 0xffff_ffff : field.kind === 'u16' ? 0xffff : 0xff,
      )
  }
}

function copyOf(word: number, width: number): Put {
  return (column, row, words, at) => {
    for (let part = 0; part < width; part++) {
      column.values[row * width + part] = words[at + word + part] as number
    }
  }
}

/** The octets of a word that the mask leaves, from one of them on. */
function partOf(octet: number, mask: number): Put {
  const [word, shift] = [octet >> 2, (octet & 3) * 8]
  return (column, row, words, at) => {
    column.values[row] = (((words[at + word] as number) >>> shift) & mask) >>> 0
  }
}
