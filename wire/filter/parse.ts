// The grammar, as a parser of one token's look-ahead:
//
//   filter     = all { "or" all }
//   all        = one { [ "and" ] one }
//   one        = "not" one | "(" filter ")" | comparison
//   comparison = name ( "=" | "!=" | "<" | "<=" | ">" | ">=" | "~" | "!~" ) value
//              | name [ "not" ] "in" "(" value { "," value } ")"
//              | name                                                  a flag that is true
//   value      = word | string
//
// Words that stand for and, or, not, in are written in any case. Names and values are checked in check.ts.

import { filterError } from './error.ts'
import { scan, type Token } from './scan.ts'

export type Operator = '=' | '<' | '<=' | '>' | '>=' | '~' | 'in'

/** A filter as it was written: names and values are only texts so far. */
export type Syntax =
  | { readonly kind: 'and' | 'or'; readonly parts: readonly Syntax[] }
  | { readonly kind: 'not'; readonly part: Syntax }
  | Written

export interface Written {
  readonly kind: 'compare'
  readonly name: Token
  readonly operator: Operator
  /** Empty for a name alone. */
  readonly values: readonly Token[]
}

/** What is expected where a text ends: of an operator and a value also the name before it. */
export interface Ending {
  readonly expected: 'field' | 'operator' | 'value' | 'list' | 'joint'
  readonly name?: Token
}

/** Deeper nesting than anybody writes would only be an attack. */
const depthMax = 64
/** Longest filter, in characters. */
export const filterLengthMax = 8192

const operators = new Set(['=', '!=', '<', '<=', '>', '>=', '~', '!~'])

/**
 * Undefined for a filter without a word. Throws `bad_filter` with the position of the mistake. `atEnd` hears what
 * could have followed where the text ends; the first call is the most that was open there.
 */
export function parseSyntax(
  text: string,
  atEnd: (ending: Ending) => void = () => {},
): Syntax | undefined {
  if (text.length > filterLengthMax) {
    throw filterError(filterLengthMax, `a filter has at most ${filterLengthMax} characters`)
  }
  const tokens = scan(text)
  let at = 0
  let depth = 0
  if (tokens.length === 1) {
    atEnd({ expected: 'field' })
    return undefined
  }

  const peek = () => tokens[at] as Token
  const ends = (ending: Ending) => {
    if (peek().kind === 'end') atEnd(ending)
  }
  const take = () => tokens[at++] as Token
  const isWord = (word: string) => peek().kind === 'word' && peek().text.toLowerCase() === word
  const isSign = (sign: string) => peek().kind === 'sign' && peek().text === sign

  function any(): Syntax {
    const parts = [all()]
    while (isWord('or')) {
      take()
      parts.push(all())
    }
    return parts.length === 1 ? (parts[0] as Syntax) : { kind: 'or', parts }
  }

  function all(): Syntax {
    const parts = [one()]
    while (peek().kind !== 'end' && !isWord('or') && !isSign(')')) {
      if (isWord('and')) take()
      parts.push(one())
    }
    ends({ expected: 'joint' })
    return parts.length === 1 ? (parts[0] as Syntax) : { kind: 'and', parts }
  }

  function one(): Syntax {
    if (++depth > depthMax) throw filterError(peek().from, 'this is nested too deeply')
    try {
      if (isWord('not')) {
        take()
        return { kind: 'not', part: one() }
      }
      return isSign('(') ? group() : comparison()
    } finally {
      depth--
    }
  }

  function group(): Syntax {
    const open = take()
    const inside = any()
    if (!isSign(')')) throw filterError(open.from, 'this parenthesis is not closed')
    take()
    return inside
  }

  function comparison(): Syntax {
    ends({ expected: 'field' })
    const name = take()
    if (name.kind !== 'word') throw filterError(name.from, `a field is expected ${seen(name)}`)
    ends({ expected: 'operator', name })
    const negated = isWord('not')
    if (negated) take()
    ends({ expected: 'operator', name })
    if (isWord('in')) {
      take()
      return negate(negated, { kind: 'compare', name, operator: 'in', values: list(name) })
    }
    if (negated) throw filterError(peek().from, `"in" is expected ${seen(peek())}`)
    if (!operators.has(peek().text) || peek().kind !== 'sign') {
      return { kind: 'compare', name, operator: '=', values: [] }
    }
    const sign = take().text
    const operator = (sign === '!=' ? '=' : sign === '!~' ? '~' : sign) as Operator
    return negate(sign.startsWith('!'), { kind: 'compare', name, operator, values: [value(name)] })
  }

  function list(name: Token): readonly Token[] {
    ends({ expected: 'operator', name })
    const open = take()
    if (open.text !== '(') throw filterError(open.from, `"(" is expected ${seen(open)}`)
    const values = [value(name)]
    while (isSign(',')) {
      take()
      values.push(value(name))
    }
    ends({ expected: 'list', name })
    if (!isSign(')')) throw filterError(peek().from, `"," or ")" is expected ${seen(peek())}`)
    take()
    return values
  }

  function value(name: Token): Token {
    ends({ expected: 'value', name })
    const token = take()
    if (token.kind === 'word' || token.kind === 'string') return token
    throw filterError(token.from, `a value is expected ${seen(token)}`)
  }

  const syntax = any()
  if (peek().kind !== 'end') throw filterError(peek().from, `nothing fits ${seen(peek())}`)
  return syntax
}

function negate(isNot: boolean, part: Syntax): Syntax {
  return isNot ? { kind: 'not', part } : part
}

function seen({ kind, text }: Token): string {
  return kind === 'end' ? 'at the end' : `before ${JSON.stringify(text)}`
}
