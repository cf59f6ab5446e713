// The border: octets of an agent come in, rows that the engine will take come out, or the reason why not.

import { AppError, messageOf, rfc3339 } from '../../common/mod.ts'
import {
  type BlockCheck,
  type BlockView,
  createBlockCheck,
  createBlockEncoder,
  type FrameHeader,
  readFrameBlock,
  readFrameHeader,
  rewriteBlock,
  shiftTimes,
  type Table,
  wireError,
} from '../../wire/mod.ts'
import { centralError } from '../errors.ts'

/** Checked rows on their way into a segment. */
export interface Intake {
  readonly table: Table
  readonly node: string
  readonly rows: number
  /** Nanoseconds since 1970. */
  readonly timeMin: bigint
  readonly timeMax: bigint
  /** A checked Native block of the table's schema of today, in its own memory. */
  readonly view: BlockView
  /** Where they came from; undefined for central's own ledger. */
  readonly frame: FrameId | undefined
}

export interface FrameId {
  readonly agent: string
  /** Of the kernel that the frame was made under: a copied data folder counts on from the same sequence elsewhere. */
  readonly boot?: string
  readonly sequence: number
}

/** Who sent a frame, and what is to be added to its times (nanoseconds). */
export interface Sender {
  readonly agent: string
  readonly node: string
  readonly shiftNs: bigint
}

export type FrameVerdict =
  | { readonly state: 'taken'; readonly header: FrameHeader; readonly intake: Intake }
  /** The frame is whole, so its sequence can be trusted, but its content may never be stored. */
  | { readonly state: 'refused'; readonly header: FrameHeader; readonly error: AppError }

export interface FrameIntake {
  /** Throws `bad_frame` when not even the header can be trusted. */
  check(frame: Uint8Array, sender: Sender): FrameVerdict
}

const pastMaxNs = 7n * 86_400_000_000_000n
const futureMaxNs = 3_600_000_000_000n

export function createFrameIntake(nowMs: () => number = Date.now): FrameIntake {
  const checks = new Map<string, BlockCheck>()
  const encoder = createBlockEncoder()

  /** The check of the sender's schema, made when its first frame comes. */
  function checkOf({ table, schema }: Pick<FrameHeader, 'table' | 'schema'>): BlockCheck {
    const key = `${table.name} ${schema}`
    const found = checks.get(key) ?? createBlockCheck(table, schema)
    checks.set(key, found)
    return found
  }

  /** The block in the schema of today. The frame's own octets may lie in the socket's buffer, which is used again. */
  function todays(view: BlockView, header: FrameHeader): BlockView {
    const rewritten = rewriteBlock(view, encoder)
    const isShared = rewritten === view && header.codec === 'none'
    return isShared ? { ...view, octets: Uint8Array.from(view.octets) } : rewritten
  }

  function check(frame: Uint8Array, sender: Sender): FrameVerdict {
    const header = readFrameHeader(frame)
    try {
      checkClaims(header, sender, BigInt(nowMs()) * 1_000_000n)
      const view = checkOf(header)(readFrameBlock(frame, header), header)
      if (sender.shiftNs !== 0n) shiftTimes(view, sender.shiftNs)
      return { state: 'taken', header, intake: intakeOf(header, todays(view, header), sender) }
    } catch (error) {
      return { state: 'refused', header, error: refusalOf(error) }
    }
  }

  return { check }
}

function checkClaims(header: FrameHeader, { agent, shiftNs }: Sender, nowNs: bigint): void {
  const { table } = header
  if (header.agent !== agent) throw centralError('frame_of_another')
  if (header.schema < 1 || header.schema > table.schema) {
    const details = { schema: header.schema, table: table.name, known: table.schema }
    throw centralError('schema_unknown', { details })
  }
  const timeMin = header.timeMin + shiftNs
  const timeMax = header.timeMax + shiftNs
  const early = timeMin < nowNs - pastMaxNs
  if (early || timeMax > nowNs + futureMaxNs) {
    const time = rfc3339(clamped(early ? timeMin : timeMax))
    throw centralError('time_out_of_range', { details: { time } })
  }
}

function intakeOf(header: FrameHeader, view: BlockView, { node, shiftNs }: Sender): Intake {
  const { table, rows, agent, boot, sequence } = header
  const timeMin = header.timeMin + shiftNs
  const timeMax = header.timeMax + shiftNs
  return { table, node, rows, timeMin, timeMax, view, frame: { agent, boot, sequence } }
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
