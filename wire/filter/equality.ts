// `field=value` of a query string or a flag as a condition of the language's tree.

import { parseInstant } from '../../common/mod.ts'
import { parseAddressRange } from '../model/address.ts'
import type { Field } from '../model/field.ts'
import type { Comparison, Value } from './filter.ts'

/**
 * One of the fields equals one of the texts; an address may be a CIDR. The texts are values that a row can have
 * (`valueFault`), times are RFC 3339 or relative to `nowNs`: anything else throws TypeError.
 */
export function equality(
  fields: Comparison['fields'],
  texts: readonly string[],
  nowNs: bigint,
): Comparison {
  const values = texts.map((text) => {
    const value = valueOfText(fields[0], text, nowNs)
    if (value === undefined) throw new TypeError(`${text} is no value of ${fields[0].name}`)
    return value
  })
  return { kind: 'compare', fields, test: { kind: 'in', values } }
}

function valueOfText({ kind }: Field, text: string, nowNs: bigint): Value | undefined {
  switch (kind) {
    case 'time':
      return parseInstant(text, nowNs)
    case 'address':
      return parseAddressRange(text)
    case 'id':
      return BigInt(text)
    case 'flag':
      return text === 'true'
    case 'name':
    case 'text':
    case 'list':
    case 'octets':
      return text
    default:
      return Number(text)
  }
}
