// What a terminal sends for keys, as names. A text that was pasted is many keys; an unknown sequence is none.

const named: Readonly<Record<string, string>> = {
  '\x1b[A': 'up',
  '\x1b[B': 'down',
  '\x1b[C': 'right',
  '\x1b[D': 'left',
  '\x1bOA': 'up',
  '\x1bOB': 'down',
  '\x1bOC': 'right',
  '\x1bOD': 'left',
  '\x1b[H': 'home',
  '\x1b[F': 'end',
  '\x1bOH': 'home',
  '\x1bOF': 'end',
  '\x1b[1~': 'home',
  '\x1b[4~': 'end',
  '\x1b[3~': 'delete',
  '\x1b[5~': 'page-up',
  '\x1b[6~': 'page-down',
  '\r': 'enter',
  '\n': 'enter',
  '\t': 'tab',
  '\x7f': 'backspace',
  '\b': 'backspace',
  '\x1b': 'escape',
  '\x01': 'home',
  '\x05': 'end',
  '\x15': 'clear',
  '\x03': 'interrupt',
  '\x04': 'interrupt',
  '\x1a': 'suspend',
  '\x0c': 'redraw',
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: that is what keys are
const sequence = /\x1b(?:\[[0-9;]*[A-Za-z~]|O[A-Za-z])|[\s\S]/gu

/** Names of the keys in what was read; a printable character is its own name. */
export function keysIn(read: string): readonly string[] {
  return (read.match(sequence) ?? []).flatMap((text) => {
    const name = named[text]
    if (name !== undefined) return [name]
    return /^\P{C}$/u.test(text) ? [text] : []
  })
}
