// Where an export is, on disk: for receivers that cannot keep it themselves. `isClean` says that nothing was on its
// way when the process ended; else the first batch may be there already and is marked as repeated.

import { readFile } from 'node:fs/promises'
import { keepText } from './keep-text.ts'
import type { Position } from './receiver.ts'

export interface Cursor {
  readonly position: Position
  readonly isClean: boolean
}

/** Undefined when there is none, or none that can be read. */
export async function readCursor(file: string): Promise<Cursor | undefined> {
  try {
    const { position, isClean } = JSON.parse(await readFile(file, 'utf8')) as Cursor
    const { journal, sequence, row, passed } = position
    return { position: { journal, sequence, row, passed }, isClean: isClean === true }
  } catch {
    return undefined
  }
}

/** The whole file or nothing; on disk when it resolves. */
export function writeCursor(file: string, cursor: Cursor): Promise<void> {
  return keepText(file, JSON.stringify(cursor))
}
