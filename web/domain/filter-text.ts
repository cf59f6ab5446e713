// The text of a filter as a field shows it: what a mistake covers, and what a completion makes of it. The server
// alone says what is right (GET /api/filter); here are only characters.

/** An end of the word, quoted text or sign that begins at `position`: what is marked as wrong. */
export function wordEnd(text: string, position: number): number {
  const word = /^(?:"[^"]*"?|'[^']*'?|[^\s"'()=!<>~,]+|[!<>]=|!~|\S)/.exec(text.slice(position))
  return position + (word?.[0].length ?? 0)
}

export interface Edited {
  readonly text: string
  readonly caret: number
}

/** The text with `inserted` for the characters from `from` up to `to`, and a space where a next word would follow. */
export function replaced(
  text: string,
  range: { from: number; to: number },
  inserted: string,
): Edited {
  const after = text.slice(range.to)
  const isOpen = inserted.endsWith('(')
  const gap = isOpen || /^\s/.test(after) ? '' : ' '
  const before = text.slice(0, range.from) + inserted + gap
  return { text: before + after, caret: before.length + (gap === '' && !isOpen ? 1 : 0) }
}

/** Whether a suggestion stands for a word of the text, and can take its place. */
export function isReplacement(suggestion: string): boolean {
  return !/\s/.test(suggestion)
}
