// Strings as small numbers: a name is looked up once when it is first met, after that rows carry its index.

/** Texts by index; indexes never change or vanish. */
export interface Interner {
  /** Index of a text; 0 is always the empty string. */
  readonly index: (text: string) => number
  readonly text: (index: number) => string
  readonly size: () => number
}

/** An interner that holds the empty string alone. */
export function createInterner(): Interner {
  const texts: string[] = ['']
  const indexes = new Map<string, number>([['', 0]])
  return {
    index: (text) => {
      const known = indexes.get(text)
      if (known !== undefined) return known
      const index = texts.push(text) - 1
      indexes.set(text, index)
      return index
    },
    text: (index) => texts[index] ?? '',
    size: () => texts.length,
  }
}
