// What was reported of open connections, on disk beside the spool: DATA/checkpoint-SEQUENCE begins with all of it as
// of the frame of that sequence and grows by what each later frame changed (journal.ts). Written before the frame
// is committed, so whatever instant the process dies, the newest file that begins at or below the last committed
// frame, read up to that frame, says exactly what the frames say. A file that has grown too long ends with the
// next one, which is deleted with it should its frame not be committed.

import {
  closeSync,
  constants,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import type { Entries } from '../tcp/entries.ts'
import { journalChunk, journalHeader, replayJournal } from './journal.ts'

export interface Checkpoints {
  /**
   * Entries as the last committed sequence left them; what says more, or something else, is deleted. Undefined
   * when there is nothing usable of this boot.
   */
  load(lastSequence: number): Uint32Array | undefined
  /** Before the commit of the frame. Asks for all entries when it begins a file, else for what changed. */
  write(sequence: number, changes: Entries['changes']): void
  /** After the commit: what came before the file goes. */
  prune(): void
  /** When a frame could not be committed: no checkpoint may contradict what was sent. */
  clear(): void
}

interface Journal {
  /** Of the frame it begins with. */
  readonly sequence: number
  /** From here on a new file is shorter to read, and costs less than what was written since. */
  readonly octetsMax: number
  octets: number
}

/** Never makes the file: a chunk without what came before it would say nothing. */
const appending = constants.O_WRONLY | constants.O_APPEND

/** A file grows to `octetsMin`, or to twice its first chunk when that is more. */
export function createCheckpoints(
  folder: string,
  boot: string,
  octetsMin = 1_048_576,
): Checkpoints {
  const bootOctets = Buffer.from(boot.replaceAll('-', ''), 'hex')
  let journal: Journal | undefined
  let hasOlder = true

  function load(lastSequence: number): Uint32Array | undefined {
    const newest = list().findLast((sequence) => sequence <= lastSequence)
    const found = newest === undefined ? undefined : read(newest, lastSequence)
    for (const sequence of list()) {
      if (sequence !== newest || !found) rmSync(fileOf(sequence), { force: true })
    }
    return found
  }

  /** What must not count is cut off: its sequence will be used again, perhaps by a frame without a checkpoint. */
  function read(sequence: number, lastSequence: number): Uint32Array | undefined {
    const octets = readFileSync(fileOf(sequence))
    const found = replayJournal(octets, bootOctets, lastSequence)
    if (found && found.length < octets.length) truncateSync(fileOf(sequence), found.length)
    return found?.entries
  }

  function write(sequence: number, changes: Entries['changes']): void {
    if (!journal || journal.octets >= journal.octetsMax) begin(sequence, changes)
    else journal.octets += append(journal.sequence, journalChunk(sequence, changes(false)))
  }

  function begin(sequence: number, changes: Entries['changes']): void {
    const parts = [journalHeader(bootOctets), ...journalChunk(sequence, changes(true))]
    const octets = append(sequence, parts, 'w')
    journal = { sequence, octets, octetsMax: Math.max(octetsMin, 2 * octets) }
    hasOlder = true
  }

  function append(
    sequence: number,
    parts: readonly Buffer[],
    how: 'w' | number = appending,
  ): number {
    const file = openSync(fileOf(sequence), how, 0o600)
    try {
      for (const part of parts) writeFileSync(file, part)
    } finally {
      closeSync(file)
    }
    return parts.reduce((octets, { length }) => octets + length, 0)
  }

  function prune(): void {
    if (hasOlder && journal) remove(journal.sequence)
    hasOlder = false
  }

  function clear(): void {
    journal = undefined
    hasOlder = true
    remove(Number.POSITIVE_INFINITY)
  }

  function remove(below: number): void {
    for (const sequence of list()) {
      if (sequence < below) rmSync(fileOf(sequence), { force: true })
    }
  }

  function list(): readonly number[] {
    const names = readdirSync(folder).flatMap((name) => /^checkpoint-(\d+)$/.exec(name)?.[1] ?? [])
    return names.map(Number).toSorted((a, b) => a - b)
  }

  function fileOf(sequence: number): string {
    return join(folder, `checkpoint-${sequence}`)
  }

  return { load, write, prune, clear }
}
