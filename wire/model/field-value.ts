// Whether a text can be a value of a field. A value that no row can have is a mistake, never "0 rows": the API and
// the command line refuse it in the same words.

import { nearestName } from '../../common/mod.ts'
import { parseAddress } from './address.ts'
import { errnoMeant, errnos } from './closed-values.ts'
import type { Field, FieldKind } from './field.ts'

/** Why a text is no value of the field. */
export interface ValueFault {
  /** What is wrong: `"refuse" is not known`. */
  readonly reason: string
  /** What would be right, a sentence. */
  readonly hint: string
  /** The value that was probably meant. */
  readonly suggestion?: string
  /** A value that would do, where the hint names none. */
  readonly example?: string
}

const decimal = /^\d{1,20}$/
const addressHint = 'Give an address (10.0.0.1, 2001:db8::1) or a CIDR (10.0.0.0/8, 2001:db8::/32).'

/** Undefined for a value that a row can have. Times are not looked at: they may be relative to now. */
export function valueFault(field: Field, text: string): ValueFault | undefined {
  switch (field.kind) {
    case 'name':
      return field.values ? closedFault(field.values, text) : globFault(text)
    case 'address':
      return addressFault(text)
    case 'flag':
      if (text === 'true' || text === 'false') return undefined
      return fault(text, 'is neither true nor false', 'Give true or false.')
    case 'id':
      if (decimal.test(text) && BigInt(text) < 2n ** 64n) return undefined
      return fault(text, 'is no id', 'Give the decimal id as an answer shows it.')
    case 'time':
    case 'text':
    case 'list':
    case 'octets':
      return undefined
    default:
      return numberFault(field.kind, text)
  }
}

function closedFault(values: readonly string[], text: string): ValueFault | undefined {
  if (values.includes(text)) return undefined
  const said = quoted(text)
  if (values === errnos && decimal.test(text) && errnoMeant(text) === undefined) return undefined
  const suggestion = meant(text, values)
  if (suggestion === undefined) {
    return { reason: `${said} is not known`, hint: `${listed(values)}.` }
  }
  return { reason: `${said} is not known`, hint: `Did you mean ${suggestion}?`, suggestion }
}

/** The value of which this is another spelling or a slip. */
function meant(text: string, values: readonly string[]): string | undefined {
  const errno = values === errnos ? errnoMeant(text) : undefined
  if (errno !== undefined) return errno
  const lower = text.toLowerCase()
  return values.find((value) => value.toLowerCase() === lower) ?? nearestName(text, values)
}

function listed(values: readonly string[]): string {
  const named = values.filter((value) => value !== '')
  if (named.length > 16) return `Give a name such as ${named.slice(0, 3).join(', ')}`
  return named.length === 1 ? `Only ${named[0]} is known` : `One of: ${named.join(', ')}`
}

/** Plain words with a star: what a shell would expand. Any other text may be a name, however odd. */
const glob = /^[\w.:@/*?-]+$/

/** Equality takes whole names. A pattern would match no row and look like calm. */
function globFault(text: string): ValueFault | undefined {
  if (!text.includes('*') || !glob.test(text)) return undefined
  const hint = 'Give whole names; repeat it for any of several.'
  return fault(text, 'is a pattern, but names are compared whole', hint, 'nginx')
}

const largest: Readonly<Partial<Record<FieldKind, number>>> = {
  u8: 255,
  u16: 65_535,
  u32: 4_294_967_295,
}

function numberFault(kind: FieldKind, text: string): ValueFault | undefined {
  const most = largest[kind] ?? Number.MAX_SAFE_INTEGER
  if (!decimal.test(text)) return fault(text, 'is no whole number', `Give 0 to ${most}.`, '443')
  if (Number(text) <= most) return undefined
  return fault(text, `is above ${most}`, `Give 0 to ${most}.`, '443')
}

function addressFault(text: string): ValueFault | undefined {
  const [address = '', prefix, ...rest] = text.split('/')
  if (rest.length > 0 || !parseAddress(address)) return fault(text, 'is no address', addressHint)
  const most = address.includes(':') ? 128 : 32
  if (prefix === undefined || (/^\d{1,3}$/.test(prefix) && Number(prefix) <= most)) return undefined
  return fault(text, `has no prefix of 0 to ${most}`, addressHint)
}

function fault(text: string, what: string, hint: string, example?: string): ValueFault {
  const reason = `${quoted(text)} ${what}`
  return example === undefined ? { reason, hint } : { reason, hint, example }
}

/** As JSON, so that control characters show, and not endless. */
function quoted(text: string): string {
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}…` : text)
}
