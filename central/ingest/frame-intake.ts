// The border: octets of an agent come in, rows that the engine will take come out, or the reason why not.

import { AppError, messageOf, rfc3339 } from '../../common/mod.ts'
import {
  type BlockCheck,
  createBlockCheck,
  type FrameHeader,
  type FrameKind,
  flowTable,
  ledgerTable,
  readFrameBlock,
  readFrameHeader,
  type Table,
  wireError,
} from '../../wire/mod.ts'
import { centralError } from '../errors.ts'

/** Checked rows on their way into a segment. */
export interface Intake {
  readonly table: FrameKind
  readonly node: string
  readonly rows: number
  /** Nanoseconds since 1970. */
  readonly timeMin: bigint
  readonly timeMax: bigint
  /** A Native block of its own memory. */
  readonly block: Uint8Array
  /** Where they came from; undefined for central's own ledger. */
  readonly frame: FrameId | undefined
}

export interface FrameId {
  readonly agent: string
  readonly sequence: number
}

export type FrameVerdict =
  | { readonly state: 'taken'; readonly intake: Intake }
  /** The frame is whole, so its sequence can be trusted, but its content may never be stored. */
  | { readonly state: 'refused'; readonly header: FrameHeader; readonly error: AppError }

export interface FrameIntake {
  /** Throws `bad_frame` when not even the header can be trusted. */
  check(frame: Uint8Array, sender: { readonly agent: string; readonly node: string }): FrameVerdict
}

const pastMaxNs = 7n * 86_400_000_000_000n
const futureMaxNs = 3_600_000_000_000n
const tables: Readonly<Record<FrameKind, Table>> = { flows: flowTable, ledger: ledgerTable }

export function createFrameIntake(nowMs: () => number = Date.now): FrameIntake {
  const checks: Readonly<Record<FrameKind, BlockCheck>> = {
    flows: createBlockCheck(flowTable),
    ledger: createBlockCheck(ledgerTable),
  }

  function check(frame: Uint8Array, sender: { readonly agent: string; readonly node: string }) {
    const header = readFrameHeader(frame)
    try {
      checkClaims(header, sender.agent, BigInt(nowMs()) * 1_000_000n)
      const block = readFrameBlock(frame, header)
      checks[header.kind](block, header)
      return { state: 'taken', intake: intakeOf(header, block, sender.node) } as const
    } catch (error) {
      return { state: 'refused', header, error: refusalOf(error) } as const
    }
  }

  return { check }
}

function checkClaims(header: FrameHeader, agent: string, nowNs: bigint): void {
  const table = tables[header.kind]
  if (header.agent !== agent) throw centralError('frame_of_another')
  if (header.schema !== table.schema) {
    const details = { schema: header.schema, table: table.name, known: table.schema }
    throw centralError('schema_unknown', { details })
  }
  const early = header.timeMin < nowNs - pastMaxNs
  if (early || header.timeMax > nowNs + futureMaxNs) {
    const time = rfc3339(clamped(early ? header.timeMin : header.timeMax))
    throw centralError('time_out_of_range', { details: { time } })
  }
}

/** An uncompressed block is a view into the socket's buffer, which is reused: it is copied. */
function intakeOf(header: FrameHeader, block: Uint8Array, node: string): Intake {
  const { kind, rows, timeMin, timeMax, agent, sequence } = header
  const own = header.codec === 'none' ? Uint8Array.from(block) : block
  return { table: kind, node, rows, timeMin, timeMax, block: own, frame: { agent, sequence } }
}

/** Whatever an agent sent, it must not end this process. */
function refusalOf(cause: unknown): AppError {
  if (cause instanceof AppError) return cause
  return wireError('bad_frame', { details: { what: messageOf(cause) }, cause })
}

/** To what a date can show. */
function clamped(ns: bigint): bigint {
  return ns < 0n ? 0n : ns
}
