// Text from outside: a process may be called anything, so what cannot be seen is made visible.

/** Control characters as their symbols (`␛`), invisible direction marks as `�`; everything else as it is. */
export function visible(text: string): string {
  return text.replace(/[\p{Cc}\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/gu, (mark) => {
    const code = mark.codePointAt(0) as number
    if (code < 0x20) return String.fromCodePoint(0x2400 + code)
    return code === 0x7f ? '␡' : '�'
  })
}
