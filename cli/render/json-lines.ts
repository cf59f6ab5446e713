// Rows of a batch as lines of JSON, without an object per row: what is the same in the row before (times, ids and
// addresses of busy processes) is not written again, and each name is quoted once.

import { rfc3339 } from '../../common/mod.ts'
import { type Batch, type Column, formatAddress, type Table } from '../../wire/mod.ts'
import { escapedJson } from './escape.ts'

/** Prepares a batch; what it gives writes row `index` as `escapedJson(rowOf(batch, index))` would. */
export type LineWriter = (batch: Batch) => (index: number) => string

type ValueText = (batch: Batch, column: Column, index: number) => string

/** A column whose values differ, and all text between it and the one before. */
interface Part {
  readonly head: string
  readonly column: Column
  readonly text: ValueText
}

export function createLineWriter(table: Table): LineWriter {
  const members = table.fields.map((field, at) => ({
    name: field.name,
    head: `${at === 0 ? '{' : ','}${JSON.stringify(field.name)}:`,
    text: valueText(field.kind),
  }))

  /** Half of the columns say the same in every row of a batch: that is written once. */
  function partsOf(batch: Batch) {
    const parts: Part[] = []
    let head = ''
    for (const member of members) {
      const column = batch.columns[member.name] as Column
      head += member.head
      if (isConstant(batch, column)) head += jsonOf(batch, { ...member, column }, 0)
      else {
        parts.push({ head, column, text: member.text })
        head = ''
      }
    }
    return { parts, tail: `${head}}` }
  }

  return (batch) => {
    const { parts, tail } = partsOf(batch)
    return (index) => {
      let line = ''
      for (const part of parts) line += part.head + jsonOf(batch, part, index)
      return line + tail
    }
  }
}

function jsonOf(batch: Batch, { column, text }: Omit<Part, 'head'>, index: number): string {
  const isNull = column.nulls !== undefined && column.nulls[index] === 1
  return isNull ? 'null' : text(batch, column, index)
}

function isConstant({ length, capacity }: Batch, { values, nulls }: Column): boolean {
  if (length === 0) return false
  if (nulls && !isSame(nulls, length, 1)) return false
  return nulls?.[0] === 1 || isSame(values, length, values.length / capacity)
}

/** Whether all rows of `width` elements are the same. */
function isSame(values: Column['values'], rows: number, width: number): boolean {
  for (let at = width; at < rows * width; at++) {
    if (values[at] !== values[at - width]) return false
  }
  return true
}

function valueText(kind: Column['field']['kind']): ValueText {
  switch (kind) {
    case 'time':
      return pairText(timeText())
    case 'id':
      return pairText((low, high) => `"${(BigInt(high) << 32n) | BigInt(low)}"`)
    case 'address':
      return addressText()
    case 'name':
    case 'text':
      return nameText()
    case 'flag':
      return (_, column, index) => (column.values[index] === 1 ? 'true' : 'false')
    case 'octets':
      return ({ heap }, { values }, index) => {
        const octets = heap.octets[values[index] as number] as Uint8Array
        return `"${Buffer.from(octets).toString('base64')}"`
      }
    case 'list':
      return ({ heap }, { values }, index) => escapedJson(heap.lists[values[index] as number])
    default:
      return (_, column, index) => String(column.values[index])
  }
}

/** Of 64 bits; the last one is remembered. */
function pairText(write: (low: number, high: number) => string): ValueText {
  let low = -1
  let high = -1
  let text = ''
  return (_, { values }, index) => {
    const [nextLow, nextHigh] = [values[index * 2] as number, values[index * 2 + 1] as number]
    if (nextLow === low && nextHigh === high) return text
    low = nextLow
    high = nextHigh
    text = write(low, high)
    return text
  }
}

/** As rfc3339, which the text of a second comes from; 2^47 ns are 140,737 s and 488,355,328 ns. */
function timeText(): (low: number, high: number) => string {
  let known = -1
  let head = ''
  return (low, high) => {
    const upper = high >>> 15
    const rest = upper * 488_355_328 + (high & 0x7fff) * 0x1_0000_0000 + low
    const carried = Math.floor(rest / 1e9)
    const second = upper * 140_737 + carried
    if (second !== known) {
      known = second
      head = `"${rfc3339(BigInt(second) * 1_000_000_000n).slice(0, 20)}`
    }
    return `${head}${String(1e9 + rest - carried * 1e9).slice(1)}Z"`
  }
}

function addressText(): ValueText {
  const last = new Uint8Array(16)
  let text = ''
  return (_, { values }, index) => {
    const octets = values as Uint8Array
    let same = text !== ''
    for (let at = 0; at < 16; at++) {
      if (octets[index * 16 + at] !== last[at]) same = false
      last[at] = octets[index * 16 + at] as number
    }
    if (!same) text = `"${formatAddress(last)}"`
    return text
  }
}

function nameText(): ValueText {
  let names: Batch['names'] | undefined
  let texts: string[] = []
  return (batch, { values }, index) => {
    if (names !== batch.names) {
      names = batch.names
      texts = []
    }
    const name = values[index] as number
    let text = texts[name]
    if (text === undefined) {
      text = escapedJson(batch.names.text(name))
      texts[name] = text
    }
    return text
  }
}
