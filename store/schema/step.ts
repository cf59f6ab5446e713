import type { Reader } from '../reader.ts'

/** How steps reach the engine. */
export interface SchemaDoor extends Reader {
  /** Runs for as long as it takes. */
  command(sql: string): Promise<void>
}

export interface Step {
  readonly number: number
  /** Completes the sentence "bringing the store up to date: …". */
  readonly title: string
  run(door: SchemaDoor, progress: (share: number) => void): Promise<void>
}
