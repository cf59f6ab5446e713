// One connection of an agent. Anything that is not exactly the stream ends it, counted by cause.
//
//   preface, HELLO within 5 s ──► WELCOME ──► FRAME … ──► ACK when durable │ REFUSE(sequence)
//                 └─────────── anything else ──► REFUSE ──► end

import type { Socket } from 'node:net'
import { AppError, type CounterHandle, messageOf, type Reporter } from '../../common/mod.ts'
import {
  createMessageDecoder,
  encodeAck,
  encodeJsonMessage,
  type Hello,
  type Message,
  type Refusal,
} from '../../wire/mod.ts'
import { centralError } from '../errors.ts'
import type { Nodes } from '../nodes.ts'
import type { FrameIntake, FrameVerdict } from './frame-intake.ts'
import { readHello } from './hello.ts'
import type { Segments } from './segments.ts'
import type { StageLedger } from './stage-ledger.ts'

export interface SessionConfig {
  readonly version: string
  /** Frames that may be unacknowledged. */
  readonly credits: number
  readonly helloMs: number
  /** Told to agents of the same host. */
  readonly pids: () => readonly number[]
}

export interface SessionDeps {
  readonly intake: FrameIntake
  readonly segments: Segments
  readonly ledger: StageLedger
  readonly nodes: Nodes
  readonly counts: SessionCounts
  /** The HELLO was right: an older connection of the same agent is ended. */
  readonly onHello: (agent: string) => void
  readonly onClose: () => void
}

export interface SessionCounts {
  readonly frames: CounterHandle
  readonly rows: CounterHandle
  readonly refusals: CounterHandle
  readonly connections: CounterHandle
}

export interface Session {
  /** Undefined before HELLO. */
  agent(): string | undefined
  /** Stops and goes on with reading. */
  hold(): void
  resume(): void
  end(error: AppError): void
}

/** A refused peer has that long to read why. */
const lingerMs = 1_000

export function createSession(
  socket: Socket,
  config: SessionConfig,
  deps: SessionDeps,
  reporter: Reporter,
): Session {
  const decoder = createMessageDecoder({ preface: true })
  let hello: Hello | undefined
  let unacknowledged = 0
  let ended = false
  const late = setTimeout(() => {
    end(centralError('hello_late', { details: { seconds: config.helloMs / 1000 } }))
  }, config.helloMs)

  socket.on('data', (octets) => {
    if (ended) return
    try {
      decoder.push(octets, deliver)
    } catch (error) {
      if (!(error instanceof AppError)) throw error
      end(error)
    }
  })
  socket.on('error', (error) => reporter.log.debug({ err: messageOf(error) }, 'connection'))
  socket.on('close', () => {
    if (!ended && decoder.pending() > 0) deps.counts.refusals.add(1, 'cut_off')
    ended = true
    clearTimeout(late)
    deps.onClose()
  })

  function deliver(message: Message): void {
    if (ended) return
    if (message.type === 'hello' && !hello) welcome(message.body)
    else if (message.type === 'frame' && hello) takeFrame(message.body, hello)
    else throw centralError('unexpected_message', { details: { type: message.type } })
  }

  function welcome(body: Uint8Array): void {
    hello = readHello(body)
    clearTimeout(late)
    deps.onHello(hello.agent)
    deps.nodes.connected(hello)
    const { version, credits } = config
    const pids = socket.remoteAddress === undefined ? config.pids() : []
    socket.write(encodeJsonMessage('welcome', { protocol: 1, version, credits, pids }))
    if (deps.segments.isFull()) socket.pause()
  }

  function takeFrame(frame: Uint8Array, sender: Hello): void {
    if (unacknowledged >= config.credits) {
      throw centralError('too_many_frames', { details: { credits: config.credits } })
    }
    const verdict = deps.intake.check(frame, sender)
    unacknowledged++
    deps.counts.frames.add(1)
    if (verdict.state === 'refused') refuseFrame(verdict, sender.node)
    else append(verdict, sender.node)
  }

  function append(verdict: Extract<FrameVerdict, { state: 'taken' }>, node: string): void {
    const { intake } = verdict
    const sequence = (intake.frame as { readonly sequence: number }).sequence
    const state = deps.segments.append(intake, () => {
      unacknowledged--
      if (!ended) socket.write(encodeAck(sequence))
    })
    deps.nodes.reported(node, intake.table, intake.timeMax)
    if (intake.table.measured) countRows(node, intake.rows, state)
    if (deps.segments.isFull()) socket.pause()
  }

  function countRows(node: string, rows: number, state: 'taken' | 'duplicate'): void {
    deps.counts.rows.add(rows, state)
    for (const name of ['entered', 'left'] as const) deps.ledger.count(node, 'wire', name, rows)
    deps.ledger.count(node, 'ingest', 'entered', rows)
    if (state === 'taken') deps.ledger.count(node, 'ingest', 'left', rows)
    else deps.ledger.count(node, 'ingest', 'filtered', rows, 'duplicate')
  }

  /** The agent will never send it again: its rows are lost, and that is said. */
  function refuseFrame(verdict: Extract<FrameVerdict, { state: 'refused' }>, node: string): void {
    const { header, error } = verdict
    unacknowledged--
    deps.counts.refusals.add(1, error.code)
    if (header.table.measured) {
      for (const name of ['entered', 'left'] as const) {
        deps.ledger.count(node, 'wire', name, header.rows)
      }
      deps.ledger.count(node, 'ingest', 'entered', header.rows)
      deps.ledger.count(node, 'ingest', 'lost', header.rows, error.code)
    }
    const fields = { node, sequence: header.sequence, err: error.message }
    reporter.limited.warn(`frame ${error.code}`, fields, 'refusing a frame')
    refuse({ code: error.code, message: error.message, sequence: String(header.sequence) })
  }

  function end(error: AppError): void {
    if (ended) return
    ended = true
    clearTimeout(late)
    deps.counts.refusals.add(1, error.code)
    const fields = { node: hello?.node, err: error.message }
    reporter.limited.warn(error.code, fields, 'ending a connection')
    refuse({ code: error.code, message: error.message })
    socket.end()
    socket.resume()
    const linger = setTimeout(() => socket.destroy(), lingerMs)
    socket.once('close', () => clearTimeout(linger))
  }

  function refuse(refusal: Refusal): void {
    if (socket.writable) socket.write(encodeJsonMessage('refuse', refusal))
  }

  return {
    agent: () => hello?.agent,
    hold: () => hello && socket.pause(),
    resume: () => socket.resume(),
    end,
  }
}
