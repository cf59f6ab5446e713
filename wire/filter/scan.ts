// Text → tokens with their places. Positions count UTF-16 units from 0, as an editor's cursor does.
//
//   word    anything without spaces, quotes, parentheses, commas and operators: shop  10.0.0.0/8  5ms  a.b-c:*
//   string  "…" or '…' with \" \' \\ \n \t; any other backslash stays (regular expressions need no doubling)
//   sign    ( ) ,  =  !=  <  <=  >  >=  ~  !~

import { filterError } from './error.ts'

export interface Token {
  readonly kind: 'word' | 'string' | 'sign' | 'end'
  /** What it says: of a string without its quotes and escapes. */
  readonly text: string
  readonly from: number
  readonly to: number
}

const signs = ['!=', '!~', '<=', '>=', '=', '<', '>', '~', '(', ')', ','] as const
const ofWord = /[^\s"'()=!<>~,]/
const escapes: Readonly<Record<string, string>> = {
  n: '\n',
  t: '\t',
  r: '\r',
  '0': '\0',
  '\\': '\\',
  '"': '"',
  "'": "'",
}

/** The last token is the end. Throws `bad_filter` for a string without its end or a stray sign. */
export function scan(text: string): readonly Token[] {
  const tokens: Token[] = []
  let at = 0
  while (at < text.length) {
    if (/\s/.test(text[at] as string)) {
      at++
      continue
    }
    const token = next(text, at)
    tokens.push(token)
    at = token.to
  }
  tokens.push({ kind: 'end', text: '', from: text.length, to: text.length })
  return tokens
}

function next(text: string, from: number): Token {
  const first = text[from] as string
  if (first === '"' || first === "'") return quoted(text, from)
  const sign = signs.find((one) => text.startsWith(one, from))
  if (sign) return { kind: 'sign', text: sign, from, to: from + sign.length }
  let to = from
  while (to < text.length && ofWord.test(text[to] as string)) to++
  if (to > from) return { kind: 'word', text: text.slice(from, to), from, to }
  throw filterError(from, `${JSON.stringify(first)} does not belong here`)
}

function quoted(text: string, from: number): Token {
  const quote = text[from]
  let said = ''
  for (let at = from + 1; at < text.length; at++) {
    const letter = text[at] as string
    if (letter === quote) return { kind: 'string', text: said, from, to: at + 1 }
    const escaped = letter === '\\' ? escapes[text[at + 1] ?? ''] : undefined
    said += escaped ?? letter
    if (escaped !== undefined) at++
  }
  throw filterError(from, 'this text has no closing quote', { suggestion: `${quote} at the end` })
}
