// How the rest of Weir has the engine write files: rows of a SELECT as Parquet, Arrow or Native, on this machine.

import type { ReadOptions, SqlParams } from './reader.ts'
import { literal } from './worker/set-statement.ts'

export interface FileTarget {
  /** Absolute path; what is there is written over. */
  readonly file: string
  /** Names of the engine's own formats. Arrow is the file format (IPC with a footer). */
  readonly format: 'Native' | 'Parquet' | 'Arrow'
}

export interface FileWriter {
  /**
   * Runs one SELECT and writes its rows. Resolves when the file is written, not when it is on the disk. What stands
   * there after an error is worth nothing. Errors: those of `Reader.read`.
   */
  writeFile(
    target: FileTarget,
    sql: string,
    params?: SqlParams,
    options?: ReadOptions,
  ): Promise<void>
  /** Folder for files that nobody needs after a restart; emptied at the start. */
  readonly scratch: string
}

/** A file as a table of a SELECT; the file says its columns itself. */
export function fileSql({ file, format }: FileTarget): string {
  return `file(${literal(file)}, ${literal(format)})`
}

export function writeFileSql(target: FileTarget, sql: string): string {
  return `INSERT INTO FUNCTION ${fileSql(target)} ${sql}`
}
