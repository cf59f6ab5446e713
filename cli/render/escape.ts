// Names come from outside: a process may call itself "\x1b[2J" or hide itself behind a bidi override.
// Nothing of that reaches the terminal: what is not visible text is shown as an escape.

/**
 * Controls (C0, DEL, C1), line and paragraph separators, format characters (bidi marks and overrides,
 * zero-width, tags, soft hyphen), lone surrogates, private and unassigned code points; the backslash, so
 * that an escape cannot be faked.
 */
const unsafe = /[\p{Cc}\p{Zl}\p{Zp}\p{Cf}\p{Cs}\p{Co}\p{Cn}\\]/gu
const unsafeInJson = /[\u007f-\u009f\p{Zl}\p{Zp}\p{Cf}\p{Co}\p{Cn}]/gu

/** Text for a terminal: `a\x1b[2J` for an escape character, `\u{202e}` for a bidi override. */
export function escaped(text: string): string {
  return text.replace(unsafe, (character) => {
    if (character === '\\') return '\\\\'
    const code = character.codePointAt(0) as number
    if (code < 0x100) return `\\x${code.toString(16).padStart(2, '0')}`
    return `\\u{${code.toString(16)}}`
  })
}

/** JSON with the same characters as its own escapes, so that it reads back unchanged. */
export function escapedJson(value: unknown): string {
  return JSON.stringify(value).replace(unsafeInJson, (character) =>
    Array.from(
      { length: character.length },
      (_, at) => `\\u${character.charCodeAt(at).toString(16).padStart(4, '0')}`,
    ).join(''),
  )
}
