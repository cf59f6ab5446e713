// What the model says about its fields: labels, helps, kinds, and which fields tell rows apart. All of it comes
// from /api/fields, so a field that is added to the model is shown without a change here.

import type { FieldInfo, FieldsAnswer, Values } from '../data/contract.ts'
import { text } from './flow.ts'

/** How people read a name; before the answer is here, a name is its own label. */
export interface Words {
  readonly labelOf: (name: string) => string
  readonly helpOf: (name: string) => string
}

export interface TableModel extends Words {
  /** Fields that a row has, in the model's order. */
  readonly fields: readonly FieldInfo[]
  /** Fields that a row has for both of its ends. */
  readonly ends: readonly Twin[]
  /** Fields that a row has for both directions. */
  readonly directions: readonly Twin[]
  /** Fields that are in none of the twins. */
  readonly single: readonly FieldInfo[]
  /** Equal for two answers of the same row, different for any two rows. */
  readonly keyOf: (row: Values) => string
}

/** Two fields that say the same of two sides. */
export interface Twin {
  readonly label: string
  /** Of the initiator, or of the direction src to dst. */
  readonly src: FieldInfo
  readonly dst: FieldInfo
}

export interface Model {
  readonly flows: TableModel
  readonly ledger: TableModel
  readonly events: TableModel
  readonly metrics: Words
  /** Every field of a table; empty before the answer is here, or for no table. */
  readonly fieldsOf: (table: string) => readonly FieldInfo[]
}

/** The model of an answer; undefined = there is no answer yet. */
export function modelOf(answer: FieldsAnswer | undefined): Model {
  return {
    flows: tableOf(answer, 'flows'),
    ledger: tableOf(answer, 'ledger'),
    events: tableOf(answer, 'events'),
    metrics: wordsOf(answer?.metrics ?? []),
    fieldsOf: (name) => (answer?.fields ?? []).filter(({ table }) => table === name),
  }
}

/** A label inside a sentence or a list of lines: `Source process` → `source process`, but `RTT` stays. */
export function lineLabel(label: string): string {
  return /^\p{Lu}(?!\p{Lu})/u.test(label) ? label.slice(0, 1).toLowerCase() + label.slice(1) : label
}

function tableOf(answer: FieldsAnswer | undefined, name: string): TableModel {
  const fields = (answer?.fields ?? []).filter(
    (field) => field.table === name && field.ends.length === 0,
  )
  const byName = new Map(fields.map((field) => [field.name, field]))
  const ends = fields.flatMap((src) => {
    const own = /^src_(.*)/.exec(src.name)?.[1]
    const dst = own && byName.get(`dst_${own}`)
    return dst ? [{ label: sharedEnd(src.label, dst.label) || own, src, dst }] : []
  })
  const directions = fields.flatMap((dst) => {
    const src = dst.name.includes('reverse_') && byName.get(dst.name.replace('reverse_', ''))
    if (!src) return []
    return [{ label: sharedBegin(src.label, dst.label) || src.name.replaceAll('_', ' '), src, dst }]
  })
  const paired = new Set([...ends, ...directions].flatMap(({ src, dst }) => [src, dst]))
  return {
    fields,
    ends,
    directions,
    single: fields.filter((field) => !paired.has(field)),
    keyOf: keyWith(answer?.tables.find((table) => table.name === name)?.identity),
    ...wordsOf(fields),
  }
}

/** Without an identity the whole row tells it apart: a row does not change once it is stored. */
function keyWith(identity: readonly string[] | undefined): (row: Values) => string {
  if (identity === undefined) return (row) => Object.values(row).join('|')
  const names = ['time', ...identity]
  return (row) => names.map((name) => text(row, name)).join('|')
}

interface Described {
  readonly name: string
  readonly label: string
  readonly help: string
}

function wordsOf(described: readonly Described[]): Words {
  const byName = new Map(described.map((one) => [one.name, one]))
  return {
    labelOf: (name) => byName.get(name)?.label ?? name,
    helpOf: (name) => byName.get(name)?.help ?? '',
  }
}

/** `Source port`, `Destination port` → `port`. */
function sharedEnd(a: string, b: string): string {
  const [left, right] = [a.split(' ').reverse(), b.split(' ').reverse()]
  return shared(left, right).reverse().join(' ')
}

/** `Packets`, `Packets back` → `Packets`. */
function sharedBegin(a: string, b: string): string {
  return shared(a.split(' '), b.split(' ')).join(' ')
}

function shared(a: readonly string[], b: readonly string[]): string[] {
  const differs = a.findIndex((word, at) => word !== b[at])
  return a.slice(0, differs === -1 ? a.length : differs)
}
