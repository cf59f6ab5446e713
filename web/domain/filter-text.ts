// The text of a filter as a field shows it: what a mistake covers, and what a completion makes of it. The server
// alone says what is right (GET /api/filter); here are only characters.

/** A text, and where in it somebody types. */
export interface Typed {
  readonly text: string
  readonly caret: number
}

/** What could stand at a caret: one of `options` in place of the characters from `from` up to `to`. */
export interface Completion {
  readonly from: number
  readonly to: number
  /** What stands there up to the caret. */
  readonly typed: string
  readonly options: readonly { readonly text: string }[]
}

/** An end of the word, quoted text or sign that begins at `position`: what is marked as wrong. */
export function wordEnd(text: string, position: number): number {
  const word = /^(?:"[^"]*"?|'[^']*'?|[^\s"'()=!<>~,]+|[!<>]=|!~|\S)/.exec(text.slice(position))
  return position + (word?.[0].length ?? 0)
}

/** The text with `inserted` for the characters from `from` up to `to`, and a space where a next word would follow. */
export function replaced(
  text: string,
  range: { from: number; to: number },
  inserted: string,
): Typed {
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

/**
 * What was found for one text, as it holds for a later one; undefined when more was changed than the word at the caret.
 * People type faster than a server answers, and choose from the list that is there.
 */
export function carriedOver<T extends Completion>(
  found: T,
  asked: Typed,
  now: Typed,
): T | undefined {
  if (now.text === asked.text && now.caret === asked.caret) return found
  const { from } = found
  const behind = asked.text.slice(found.to)
  const to = now.text.length - behind.length
  const isSame = now.text.startsWith(asked.text.slice(0, from)) && now.text.endsWith(behind)
  if (!isSame || now.caret < from || now.caret > to) return undefined
  if (!/^[^\s"'()=!<>~,]*$/.test(now.text.slice(from, to))) return undefined
  const typed = now.text.slice(from, now.caret)
  const wanted = typed.toLowerCase()
  const options = found.options.filter(({ text }) => text.toLowerCase().includes(wanted))
  return { ...found, to, typed, options }
}
