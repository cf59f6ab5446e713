// One line that is typed at the foot of the screen: its text and where the cursor is. Characters, not UTF-16 units.

export interface Prompt {
  readonly text: string
  /** In characters from 0. */
  readonly caret: number
}

export function promptOf(text: string): Prompt {
  return { text, caret: [...text].length }
}

/** The prompt after a key; the same one for keys that mean nothing in it. */
export function typed(prompt: Prompt, key: string): Prompt {
  const { caret } = prompt
  const characters = [...prompt.text]
  const at = (text: readonly string[], next: number): Prompt => ({
    text: text.join(''),
    caret: Math.max(0, Math.min(text.length, next)),
  })
  switch (key) {
    case 'left':
      return at(characters, caret - 1)
    case 'right':
      return at(characters, caret + 1)
    case 'home':
      return at(characters, 0)
    case 'end':
      return at(characters, characters.length)
    case 'clear':
      return at(characters.slice(caret), 0)
    case 'backspace':
      return caret === 0 ? prompt : at(characters.toSpliced(caret - 1, 1), caret - 1)
    case 'delete':
      return at(characters.toSpliced(caret, 1), caret)
    default:
      if ([...key].length !== 1) return prompt
      return at(characters.toSpliced(caret, 0, key), caret + 1)
  }
}

/** The prompt with the text from `from` up to `to` (UTF-16 units, as a parser counts) replaced. */
export function completed(
  { text }: Prompt,
  { from, to }: { readonly from: number; readonly to: number },
  insert: string,
): Prompt {
  const before = `${text.slice(0, from)}${insert} `
  return { text: before + text.slice(to).trimStart(), caret: [...before].length }
}

/** The caret in UTF-16 units. */
export function caretUnits({ text, caret }: Prompt): number {
  return [...text].slice(0, caret).join('').length
}
