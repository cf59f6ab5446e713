// Frames on disk until central has them: one file per frame, DATA/spool/SEQUENCE.frame. A rename commits it.
// There is no fsync: a killed process loses nothing, and after a power cut the sockets are gone too; what was
// torn is found by its CRC at the next start and counted. Bounded by octets and age: the oldest go first.
//
// A frame that was sent and not answered is in doubt: central may have it. It makes no room for others, because its rows
// would be both stored and lost, and it is sent again for an hour only: central knows for two what it has, and would store
// it twice after that. Its file says so to the next process: it is read-only, since (ctime) it was sent.

import {
  chmodSync,
  copyFileSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { makeFolder, messageOf, type Reporter } from '../../common/mod.ts'
import { type CauseOf, flowTable } from '../../wire/mod.ts'
import { agentError } from '../errors.ts'
import { type Entry, entryOf, modes, sentMsOf } from './entry.ts'

export interface SpoolLimits {
  /** Octets of all frames on disk; default 256 MiB. Ledgers alone may take a sixteenth more. */
  readonly octetsMax?: number
  /** Of a frame that was never sent; default one hour. */
  readonly ageMaxMs?: number
  /** Octets of frames kept in memory while the disk takes none; default 32 MiB. */
  readonly memoryMax?: number
}

export interface SpoolConfig extends SpoolLimits {
  readonly folder: string
  /** Boot id of the kernel: after another boot the last renames may be lost, so sequences jump. */
  readonly boot: string
  /** The clock of the folder, milliseconds since 1970. */
  readonly nowMs?: () => number
}

/** Why frames were given up. */
export type SpoolLoss = Exclude<CauseOf<'spool'>, 'unaccounted'>

export interface SpoolCounts {
  /** Rows that were given to it; of a torn frame found at the start, which nobody can read, one. */
  readonly entered: number
  readonly acknowledged: number
  readonly lost: ReadonlyMap<SpoolLoss, number>
  /** Rows that wait for central now. */
  readonly waiting: number
}

interface Tally {
  entered: number
  acknowledged: number
  readonly lost: Map<SpoolLoss, number>
}

export interface Spool {
  /** The sequence of the next frame to be committed. */
  nextSequence(): number
  /** Highest sequence that is committed; 0 = none. */
  lastSequence(): number
  /**
   * Keeps the frame; it is committed when this returns. `beforeCommit` runs when the frame is whole on disk but
   * not yet committed. Returns false when the disk took nothing and the frame is in memory only.
   */
  commit(frame: Buffer, beforeCommit?: () => void): boolean
  /** The oldest frame above `after`, or undefined. */
  next(after: number): { readonly sequence: number; readonly frame: Buffer } | undefined
  /** Central has the frame. */
  release(sequence: number): void
  /** Central refused the frame for good: it is set aside and counted. */
  quarantine(sequence: number): void
  /** Drops what is too old, and what has been in doubt for too long; `nowMs` is of the clock of the rows. */
  sweep(nowMs: number): void
  /**
   * Rows of that table (flows if not said) that entered, that central acknowledged, and that were given up by cause,
   * since last taken.
   */
  takeCounts(table?: string): SpoolCounts
  /** Rows of that table that wait for central. */
  waitingRows(table: string): number
  /** What waits for central. */
  waiting(): { readonly frames: number; readonly rows: number; readonly octets: number }
}

/** How far sequences jump where the last ones may not be on disk. */
const jump = 1_000_000
const refusedMax = 16
/** Well below the two hours for which central remembers a frame. */
const inDoubtMaxMs = 3_600_000
/** Of a limit: the room that ledgers have beyond it. */
const ledgerRoom = 1 / 16
const digits = 16

export function createSpool(config: SpoolConfig, reporter: Reporter): Spool {
  const { folder, octetsMax = 268_435_456, ageMaxMs = 3_600_000, memoryMax = 33_554_432 } = config
  const { nowMs: clockMs = Date.now } = config
  const entries: Entry[] = []
  const tallies = new Map<string, Tally>()
  const lost = reporter.counter('lost_rows_total', 'Rows given up by the spool, by cause.')
  let octets = 0
  let inMemory = 0
  let degraded = false
  let last = open()

  /** Reads what an earlier process left; makes the folder. */
  function open(): number {
    try {
      makeFolder(join(folder, 'refused'))
      const highest = readFolder()
      return isSameBoot() ? highest : highest + jump
    } catch (cause) {
      const details = { path: folder, why: messageOf(cause) }
      throw agentError('data_not_writable', { details, cause })
    }
  }

  function isSameBoot(): boolean {
    const file = join(folder, 'boot')
    const known = readText(file)
    if (known === config.boot) return true
    writeFileSync(file, config.boot)
    return known === ''
  }

  function readFolder(): number {
    let highest = 0
    for (const name of readdirSync(folder).toSorted()) {
      const [, number, kind] = /^(\d+)\.(frame|done|tmp)$/.exec(name) ?? []
      if (kind === 'tmp') rmSync(join(folder, name))
      if (number === undefined || kind === 'tmp') continue
      highest = Math.max(highest, Number(number))
      if (kind === 'frame') readEntry(name)
    }
    return highest
  }

  function readEntry(name: string): void {
    try {
      const frame = readFileSync(join(folder, name))
      add({ ...entryOf(frame), sentMs: sentMsOf(statSync(join(folder, name))) })
    } catch (error) {
      renameSync(join(folder, name), setAside(Number.parseInt(name, 10)))
      tallyOf(flowTable.name).entered++
      lose('spool_torn', { table: flowTable.name, rows: 1 })
      reporter.log.warn({ file: name, err: messageOf(error) }, 'a frame of the spool is damaged')
    }
  }

  function add(entry: Omit<Entry, 'frame'>, frame?: Buffer): void {
    entries.push({ ...entry, frame })
    if (frame) inMemory += entry.octets
    else octets += entry.octets
  }

  function commit(frame: Buffer, beforeCommit?: () => void): boolean {
    const entry = entryOf(frame)
    const { sequence } = entry
    tallyOf(entry.table).entered += entry.rows
    const written = write(sequence, frame, beforeCommit)
    last = sequence
    if (written) add(entry)
    else keepInMemory(entry, frame)
    makeRoom(() => octets / octetsMax)
    return written
  }

  function write(sequence: number, frame: Buffer, beforeCommit?: () => void): boolean {
    const file = fileOf(sequence, 'frame')
    const temporary = fileOf(sequence, 'tmp')
    try {
      writeFileSync(temporary, frame, { mode: modes.neverSent })
      beforeCommit?.()
      renameSync(temporary, file)
      degraded = false
      return true
    } catch (error) {
      rmSync(temporary, { force: true })
      if (!degraded) {
        reporter.log.error(
          { err: messageOf(error) },
          'the spool takes no frame, keeping them in memory',
        )
      }
      degraded = true
      return false
    }
  }

  /** No file holds its sequence, so a mark far above it does: what follows begins there, none is used twice. */
  function keepInMemory(entry: Omit<Entry, 'frame'>, frame: Buffer): void {
    add(entry, frame)
    makeRoom(
      () => inMemory / memoryMax,
      ({ frame: held }) => held !== undefined,
    )
    const reserved = entry.sequence + jump
    try {
      const mark = readdirSync(folder).findLast((name) => name.endsWith('.done'))
      if (mark === undefined) writeFileSync(fileOf(reserved, 'done'), '')
      else renameSync(join(folder, mark), fileOf(reserved, 'done'))
      last = reserved
    } catch (error) {
      reporter.limited.error('reserve', { err: messageOf(error) }, 'reserving sequences')
    }
  }

  /**
   * Gives frames up until what is `used` of the limit is no more than 1. Ledgers go last: they are small, and they say
   * what was lost. They take room of their own before a frame goes that was sent.
   */
  function makeRoom(used: () => number, fits: (entry: Entry) => boolean = () => true): void {
    const isUnsent = (entry: Entry) => fits(entry) && !entry.isLedger && entry.sentMs === undefined
    const isOfRows = (entry: Entry) => fits(entry) && !entry.isLedger
    while (used() > 1 && giveUp(isUnsent));
    while (used() > 1 + ledgerRoom && (giveUp(isOfRows) || giveUp(fits)));
  }

  /** The oldest of these, if there is one. */
  function giveUp(isVictim: (entry: Entry) => boolean, cause: SpoolLoss = 'spool_full'): boolean {
    const index = entries.findIndex(isVictim)
    if (index < 0) return false
    drop(index, cause)
    return true
  }

  function drop(index: number, cause: SpoolLoss): void {
    lose(cause, entries[index] as Entry)
    remove(index)
  }

  function lose(cause: SpoolLoss, { table, rows }: Pick<Entry, 'table' | 'rows'>): void {
    const losses = tallyOf(table).lost
    losses.set(cause, (losses.get(cause) ?? 0) + rows)
    lost.add(rows, cause)
  }

  function tallyOf(table: string): Tally {
    const tally = tallies.get(table) ?? { entered: 0, acknowledged: 0, lost: new Map() }
    tallies.set(table, tally)
    return tally
  }

  function waitingRows(table: string): number {
    return entries.reduce((sum, entry) => sum + (entry.table === table ? entry.rows : 0), 0)
  }

  /** The file of the highest sequence is renamed, not deleted: its name keeps the sequence. */
  function remove(index: number): void {
    const entry = entries[index]
    if (!entry) return
    entries.splice(index, 1)
    if (entry.frame) {
      inMemory -= entry.octets
      return
    }
    octets -= entry.octets
    try {
      if (entry.sequence === last) retire(entry.sequence)
      else rmSync(fileOf(entry.sequence, 'frame'), { force: true })
    } catch (error) {
      const fields = { sequence: entry.sequence, err: messageOf(error) }
      reporter.limited.error('remove', fields, 'removing a frame from the spool')
    }
  }

  function retire(sequence: number): void {
    renameSync(fileOf(sequence, 'frame'), fileOf(sequence, 'done'))
    for (const name of readdirSync(folder)) {
      if (name.endsWith('.done') && Number.parseInt(name, 10) < sequence) rmSync(join(folder, name))
    }
  }

  const isForgotten = ({ sentMs }: Entry) =>
    sentMs !== undefined && sentMs < clockMs() - inDoubtMaxMs

  function next(after: number) {
    for (;;) {
      const index = entries.findIndex(({ sequence }) => sequence > after)
      const entry = entries[index]
      if (!entry) return undefined
      if (isForgotten(entry)) {
        drop(index, 'spool_age')
        continue
      }
      const { sequence } = entry
      try {
        const frame = entry.frame ?? readFileSync(fileOf(sequence, 'frame'))
        markSent(entry)
        return { sequence, frame }
      } catch (error) {
        const fields = { sequence, err: messageOf(error) }
        reporter.limited.error('read', fields, 'reading a frame of the spool')
        drop(index, 'spool_torn')
      }
    }
  }

  /** On disk before central can have it. */
  function markSent(entry: Entry): void {
    if (entry.sentMs !== undefined) return
    entry.sentMs = clockMs()
    if (entry.frame) return
    try {
      chmodSync(fileOf(entry.sequence, 'frame'), modes.sent)
    } catch (error) {
      const fields = { sequence: entry.sequence, err: messageOf(error) }
      reporter.limited.error('mark', fields, 'marking a frame of the spool as sent')
    }
  }

  function release(sequence: number): void {
    const index = entries.findIndex((entry) => entry.sequence === sequence)
    const entry = entries[index]
    if (entry) tallyOf(entry.table).acknowledged += entry.rows
    remove(index)
  }

  function quarantine(sequence: number): void {
    const index = entries.findIndex((entry) => entry.sequence === sequence)
    const entry = entries[index]
    if (!entry) return
    try {
      if (!entry.frame) copyFileSync(fileOf(sequence, 'frame'), setAside(sequence))
    } catch (error) {
      const fields = { sequence, err: messageOf(error) }
      reporter.limited.error('aside', fields, 'setting a refused frame aside')
    }
    drop(index, 'refused')
  }

  /** Where a bad frame is kept for people to look at; the oldest of many go. */
  function setAside(sequence: number): string {
    const refused = join(folder, 'refused')
    const names = readdirSync(refused).toSorted()
    for (const name of names.slice(0, Math.max(0, names.length - refusedMax + 1))) {
      rmSync(join(refused, name))
    }
    return join(refused, `${String(sequence).padStart(digits, '0')}.frame`)
  }

  function fileOf(sequence: number, kind: 'frame' | 'done' | 'tmp'): string {
    return join(folder, `${String(sequence).padStart(digits, '0')}.${kind}`)
  }

  return {
    nextSequence: () => last + 1,
    lastSequence: () => last,
    commit,
    next,
    release,
    quarantine,
    sweep: (nowMs) => {
      const isOld = ({ isLedger, sentMs, timeMs }: Entry) =>
        sentMs === undefined && !isLedger && timeMs < nowMs - ageMaxMs
      while (giveUp(isForgotten, 'spool_age') || giveUp(isOld, 'spool_age'));
    },
    takeCounts: (table = flowTable.name) => {
      const tally = tallyOf(table)
      tallies.delete(table)
      return { ...tally, waiting: waitingRows(table) }
    },
    waitingRows,
    waiting: () => ({
      frames: entries.length,
      rows: entries.reduce((sum, { rows }) => sum + rows, 0),
      octets: octets + inMemory,
    }),
  }
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}
