// How many columns a text takes on a screen, and how it is cut to fewer.

const combining = /\p{M}/u
const wide =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{1f300}-\u{1faff}\u{20000}-\u{3fffd}]/u

/** Columns of a text that was escaped before, after East Asian Width (UAX #11), marks as 0. */
export function widthOf(text: string): number {
  if (/^[\x20-\x7e]*$/.test(text)) return text.length
  let columns = 0
  for (const character of text) columns += columnsOf(character)
  return columns
}

function columnsOf(character: string): number {
  if (combining.test(character)) return 0
  return wide.test(character) ? 2 : 1
}

/** Filled with spaces to `columns`. */
export function padded(text: string, columns: number, align: 'left' | 'right'): string {
  const space = ' '.repeat(Math.max(0, columns - widthOf(text)))
  return align === 'left' ? text + space : space + text
}

/** Cut in the middle, because the ends of addresses and names tell them apart: `2001:db8…:17:443`. */
export function shortened(text: string, columns: number): string {
  if (widthOf(text) <= columns) return text
  if (columns <= 1) return columns === 1 ? '…' : ''
  const characters = [...text]
  const tail = taken(characters.toReversed(), Math.ceil((columns - 1) / 2)).reverse()
  const head = taken(characters, columns - 1 - widthOf(tail.join('')))
  return `${head.join('')}…${tail.join('')}`
}

/** Cut at its end, because a line reads from its begin. */
export function clipped(text: string, columns: number): string {
  if (widthOf(text) <= columns) return text
  return columns < 1 ? '' : `${taken([...text], columns - 1).join('')}…`
}

/** Parts beside each other with a dot between, on as many lines as they need. */
export function joinedLines(
  parts: readonly string[],
  columns = Number.POSITIVE_INFINITY,
): readonly string[] {
  const lines: string[] = []
  for (const part of parts) {
    const longer = `${lines.at(-1)} · ${part}`
    if (lines.length > 0 && widthOf(longer) <= columns) lines[lines.length - 1] = longer
    else lines.push(part)
  }
  return lines
}

/** As many of the characters as fit. */
function taken(characters: readonly string[], columns: number): string[] {
  const kept: string[] = []
  let used = 0
  for (const character of characters) {
    used += columnsOf(character)
    if (used > columns) break
    kept.push(character)
  }
  return kept
}
