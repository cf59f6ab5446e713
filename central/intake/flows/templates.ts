// Templates of NetFlow v9 (RFC 3954) and IPFIX (RFC 7011): which elements the records of a set have.
//
//   v9 template      id · fields · (type · length)…
//   v9 options       id · octets of scopes · octets of options · (type · length)…
//   IPFIX template   id · fields · (id · length [· enterprise])…          fields 0: the template is withdrawn
//   IPFIX options    id · fields · scopes · (id · length [· enterprise])…

import { elementOf, type Read } from './elements.ts'
import { clearRecord, type FlowRecord } from './flow-record.ts'
import { BadDatagram, needOctets, u16At, u32At, uintAt } from './octets.ts'

export interface Template {
  readonly id: number
  /** Its records describe the exporter, not a flow. */
  readonly isOptions: boolean
  readonly fields: readonly TemplateField[]
  /** Octets of the shortest record; at least 1. */
  readonly lengthMin: number
}

interface TemplateField {
  /** 65535 = the length stands before the value. */
  readonly length: number
  readonly read: Read | undefined
}

/** A template, or the id of one that is withdrawn. */
export type TemplateNews = { readonly template: Template } | { readonly withdrawn: number }

export type Dialect = 'netflow9' | 'ipfix'

const variable = 65_535
/** Real exporters use some dozens. */
const fieldsMax = 256
/** The scope of v9's option records that is an interface (RFC 3954, 6.1); IPFIX has elements as scopes. */
const scopeInterface = 2
const elementInput = 10

/** The templates of one set. Throws BadDatagram. */
export function readTemplates(
  octets: Uint8Array,
  dialect: Dialect,
  isOptions: boolean,
): readonly TemplateNews[] {
  const news: TemplateNews[] = []
  let at = 0
  while (octets.length - at >= 4) {
    const id = u16At(octets, at)
    // Zeros at the end of a set are padding.
    if (id === 0) break
    const count = u16At(octets, at + 2)
    if (dialect === 'ipfix' && count === 0) {
      news.push({ withdrawn: id })
      at += 4
      continue
    }
    if (id < 256) throw new BadDatagram(`template ${id} has the number of a set`)
    const head = isOptions ? optionsHead(octets, at, dialect) : { at: at + 4, scopes: 0, count }
    const { fields, end } = readFields(octets, head, dialect)
    const lengthMin = fields.reduce(
      (sum, { length }) => sum + (length === variable ? 1 : length),
      0,
    )
    if (lengthMin === 0) throw new BadDatagram(`template ${id} has records of no octets`)
    news.push({ template: { id, isOptions, fields, lengthMin } })
    at = end
  }
  return news
}

interface Head {
  /** Where the fields begin. */
  readonly at: number
  /** How many of them are scopes. */
  readonly scopes: number
  readonly count: number
}

function optionsHead(octets: Uint8Array, at: number, dialect: Dialect): Head {
  needOctets(octets, at, 6)
  if (dialect === 'ipfix') {
    return { at: at + 6, scopes: u16At(octets, at + 4), count: u16At(octets, at + 2) }
  }
  const scopes = Math.floor(u16At(octets, at + 2) / 4)
  return { at: at + 6, scopes, count: scopes + Math.floor(u16At(octets, at + 4) / 4) }
}

function readFields(
  octets: Uint8Array,
  { at: begin, scopes, count }: Head,
  dialect: Dialect,
): { readonly fields: readonly TemplateField[]; readonly end: number } {
  if (count > fieldsMax) throw new BadDatagram(`a template has ${count} fields`)
  const fields: TemplateField[] = []
  let at = begin
  for (let index = 0; index < count; index++) {
    needOctets(octets, at, 4)
    const number = u16At(octets, at)
    const length = u16At(octets, at + 2)
    at += 4
    let enterprise = 0
    if (dialect === 'ipfix' && number >= 0x8000) {
      enterprise = u32At(octets, at)
      at += 4
    }
    const id = dialect === 'ipfix' ? number & 0x7fff : number
    const isScopeOf9 = dialect === 'netflow9' && index < scopes
    const element = isScopeOf9 ? (id === scopeInterface ? elementInput : -1) : id
    fields.push({ length, read: elementOf(element, enterprise) })
  }
  return { fields, end: at }
}

/**
 * Reads the records of a data set into `record`, one after the other; gives how many there were. Octets behind the
 * last whole record are padding. Throws BadDatagram.
 */
export function readRecords(
  octets: Uint8Array,
  template: Template,
  record: FlowRecord,
  onRecord: (record: FlowRecord) => void,
): number {
  let at = 0
  let records = 0
  while (octets.length - at >= template.lengthMin) {
    clearRecord(record)
    for (const { length, read } of template.fields) {
      let width = length
      if (length === variable) {
        width = uintAt(octets, at, 1)
        at += 1
        if (width === 255) {
          width = u16At(octets, at)
          at += 2
        }
      }
      needOctets(octets, at, width)
      read?.(record, octets, at, width)
      at += width
    }
    records++
    onRecord(record)
  }
  return records
}
