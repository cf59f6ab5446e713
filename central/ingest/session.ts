// One connection of an agent. Anything that is not exactly the stream ends it, counted by cause.
//
// An XDP telemetry agent is known by its first octets, and handed over (../telemetry/).
//
//   preface, HELLO within 5 s ──► WELCOME ──► FRAME, CLOCK … ──► ACK when durable │ REFUSE(sequence)
//                 └─────────── anything else ──► REFUSE ──► end

import type { Socket } from 'node:net'
import { AppError, type CounterHandle, messageOf, type Reporter } from '../../common/mod.ts'
import {
  createMessageDecoder,
  encodeAck,
  encodeJsonMessage,
  type FrameHeader,
  type Hello,
  isCauseOf,
  type Message,
  programTable,
  type Refusal,
  readClock,
} from '../../wire/mod.ts'
import { centralError } from '../errors.ts'
import type { NodeOwners } from '../node-owners.ts'
import type { Nodes } from '../nodes.ts'
import { speaksTelemetry } from '../telemetry/frame.ts'
import { type AgentClock, createAgentClock } from './clock.ts'
import { failedProbesOf } from './failed-probes.ts'
import type { FrameIntake, FrameVerdict, Intake } from './frame-intake.ts'
import { readHello } from './hello.ts'
import type { Segments } from './segments.ts'
import type { StageLedger } from './stage-ledger.ts'

export interface SessionConfig {
  readonly version: string
  /** Frames that may be unacknowledged. */
  readonly credits: number
  readonly helloMs: number
  /** How often agents say their clock. */
  readonly clockMs: number
  /** Told to agents of the same host. */
  readonly pids: () => readonly number[]
  /** 16 octets. */
  readonly fleetKey: Uint8Array
}

export interface SessionDeps {
  readonly intake: FrameIntake
  readonly segments: Segments
  readonly ledger: StageLedger
  readonly nodes: Nodes
  readonly owners: NodeOwners
  readonly counts: SessionCounts
  /** The HELLO was right: an older connection of the same agent is ended. */
  readonly onHello: (agent: string) => void
  /** It is an XDP telemetry agent that speaks: takes the socket over, with what was read of it. */
  readonly onTelemetry: (socket: Socket, first: Uint8Array) => void
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

type Taken = Extract<FrameVerdict, { state: 'taken' }>

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
  let clock: AgentClock | undefined
  /** The socket was not read for a while: what comes next may have waited. */
  let wasPaused = false
  let unacknowledged = 0
  let ended = false
  /** What came before it was known who speaks; undefined from then on. */
  let first: Buffer | undefined = Buffer.alloc(0)
  const late = setTimeout(() => {
    end(centralError('hello_late', { details: { seconds: config.helloMs / 1000 } }))
  }, config.helloMs)

  socket.on('data', read)
  socket.on('error', (error) => reporter.log.debug({ err: messageOf(error) }, 'connection'))
  socket.on('close', () => {
    if (!ended && decoder.pending() + (first?.length ?? 0) > 0)
      deps.counts.refusals.add(1, 'cut_off')
    ended = true
    clearTimeout(late)
    if (hello && clock) deps.owners.closed(hello.node, hello.agent)
    deps.onClose()
  })

  function read(octets: Uint8Array): void {
    if (ended) return
    const all = first ? Buffer.concat([first, octets]) : octets
    const isTelemetry = first && speaksTelemetry(all)
    if (first && isTelemetry === undefined) {
      first = Buffer.from(all)
      return
    }
    first = undefined
    if (isTelemetry) handOver(all)
    else decode(all)
  }

  function handOver(octets: Uint8Array): void {
    ended = true
    clearTimeout(late)
    socket.off('data', read)
    deps.onClose()
    deps.onTelemetry(socket, octets)
  }

  function decode(octets: Uint8Array): void {
    try {
      decoder.push(octets, deliver)
    } catch (error) {
      if (!(error instanceof AppError)) throw error
      end(error)
    }
  }

  function deliver(message: Message): void {
    if (ended) return
    if (message.type === 'hello' && !hello) welcome(message.body)
    else if (message.type === 'frame' && hello && clock) takeFrame(message.body, hello, clock)
    else if (message.type === 'clock' && hello && clock) takeClock(message.body, hello, clock)
    else throw centralError('unexpected_message', { details: { type: message.type } })
  }

  function welcome(body: Uint8Array): void {
    const nowMs = Date.now()
    hello = readHello(body)
    clearTimeout(late)
    claimName(hello)
    clock = createAgentClock({ agentMs: hello.timeMs, nowMs })
    deps.onHello(hello.agent)
    deps.nodes.connected(hello)
    tellClock(hello, clock)
    const { version, credits, clockMs } = config
    const fleetKey = Buffer.from(config.fleetKey).toString('hex')
    const pids = socket.remoteAddress === undefined ? config.pids() : []
    const answer = { protocol: 1, version, credits, clockMs, fleetKey, pids }
    socket.write(encodeJsonMessage('welcome', answer))
    if (deps.segments.isFull()) pause()
  }

  function claimName({ node, agent, intervalMs }: Hello): void {
    const refusal = deps.owners.claim(node, agent, intervalMs)
    if (!refusal) return
    deps.nodes.refused(node, agent)
    throw refusal
  }

  function pause(): void {
    wasPaused = true
    socket.pause()
  }

  function takeClock(body: Uint8Array, sender: Hello, agentClock: AgentClock): void {
    agentClock.read(readClock(body), Date.now(), wasPaused)
    wasPaused = false
    tellClock(sender, agentClock)
  }

  function tellClock({ node }: Hello, agentClock: AgentClock): void {
    const offsetMs = agentClock.offsetMs()
    const isCorrected = agentClock.shiftNs() !== 0n
    deps.nodes.clock(node, offsetMs, isCorrected)
    if (!isCorrected) return
    reporter.limited.warn('clock', { node, offsetMs }, "correcting the times of a node's rows")
  }

  function takeFrame(frame: Uint8Array, sender: Hello, agentClock: AgentClock): void {
    if (unacknowledged >= config.credits) {
      throw centralError('too_many_frames', { details: { credits: config.credits } })
    }
    const { agent, node } = sender
    const verdict = deps.intake.check(frame, { agent, node, shiftNs: agentClock.shiftNs() })
    unacknowledged++
    deps.counts.frames.add(1)
    countArrival(verdict.header, node)
    if (verdict.state === 'refused') refuseFrame(verdict, node)
    else if (deps.owners.isReportedByAnother(node, verdict.intake.timeMax)) leaveOut(verdict, node)
    else append(verdict, node)
  }

  /** What the sender says is in the frame; what becomes of the rows is counted where it happens. */
  function countArrival({ table, rows }: FrameHeader, node: string): void {
    if (!table.measured) return
    const ledger = deps.ledger.of(table.name)
    ledger.count(node, 'wire', 'entered', rows)
    ledger.count(node, 'wire', 'left', rows)
    ledger.count(node, 'ingest', 'entered', rows)
  }

  /** Its ledger goes as well: the other agent has said of that time what there was to say. */
  function leaveOut({ header, intake }: Taken, node: string): void {
    unacknowledged--
    socket.write(encodeAck(header.sequence))
    if (intake.table.measured) {
      const ledger = deps.ledger.of(intake.table.name)
      ledger.leaveOut(node, 'ingest', intake.rows, 'reported_by_another')
    }
  }

  function append({ header, intake }: Taken, node: string): void {
    const state = deps.segments.append(intake, () => {
      unacknowledged--
      if (!ended) socket.write(encodeAck(header.sequence))
    })
    deps.nodes.reported(node, intake.table)
    deps.owners.reported(node, intake.timeMax)
    if (intake.table.measured) countRows(node, intake, state)
    if (intake.table === programTable && state === 'taken') {
      deps.nodes.failedProbes(node, failedProbesOf(intake.view))
    }
    if (deps.segments.isFull()) pause()
  }

  function countRows(node: string, { table, rows }: Intake, state: 'taken' | 'duplicate'): void {
    const ledger = deps.ledger.of(table.name)
    deps.counts.rows.add(rows, state)
    if (state === 'taken') ledger.count(node, 'ingest', 'left', rows)
    else ledger.leaveOut(node, 'ingest', rows, 'duplicate')
  }

  /** The agent will never send it again: its rows are lost, and that is said. */
  function refuseFrame(verdict: Extract<FrameVerdict, { state: 'refused' }>, node: string): void {
    const { header, error } = verdict
    unacknowledged--
    deps.counts.refusals.add(1, error.code)
    if (header.table.measured) {
      const cause = isCauseOf('ingest', error.code) ? error.code : 'bad_frame'
      deps.ledger.of(header.table.name).lose(node, 'ingest', header.rows, cause)
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
    hold: () => hello && pause(),
    resume: () => socket.resume(),
    end,
  }
}
