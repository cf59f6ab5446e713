// What the spool knows of a frame without reading it again.

import type { Stats } from 'node:fs'
import { readFrameHeader } from '../../wire/mod.ts'

export interface Entry {
  readonly sequence: number
  /** When it was handed out to be sent for the first time, by this process or one before; undefined = never. */
  sentMs?: number | undefined
  readonly octets: number
  readonly table: string
  /** Of what is measured; the ledger's own rows are not counted. */
  readonly rows: number
  readonly isLedger: boolean
  readonly timeMs: number
  /** Only when the disk took it not. */
  readonly frame: Buffer | undefined
}

/** Of a frame's file. */
export const modes = { neverSent: 0o600, sent: 0o400 } as const

export function entryOf(frame: Buffer): Omit<Entry, 'frame'> {
  const { sequence, table, rows, timeMax } = readFrameHeader(frame)
  const isLedger = !table.measured
  const timeMs = Number(timeMax / 1_000_000n)
  return {
    sequence,
    octets: frame.length,
    table: table.name,
    rows: isLedger ? 0 : rows,
    isLedger,
    timeMs,
  }
}

/** When the frame was sent, if it was: its mode says whether, and its change when. */
export function sentMsOf({ mode, ctimeMs }: Stats): number | undefined {
  return (mode & 0o200) === 0 ? ctimeMs : undefined
}
