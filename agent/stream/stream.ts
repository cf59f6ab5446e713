// The way to central: one connection, frames in order out of the spool, as many unacknowledged as central gave
// credits for. An ACK empties the spool; anything else that ends the connection begins a new one.
//
//   waiting --timer--> connecting --connect--> greeting --WELCOME--> sending --close--> waiting
//
// While it is sending, CLOCK says every few seconds what the time is here, so that central knows how far it is off.

import { connect, type Socket } from 'node:net'
import { type Component, messageOf, type Reporter } from '../../common/mod.ts'
import {
  createMessageDecoder,
  encodeClock,
  encodeJsonMessage,
  encodeMessage,
  type Hello,
  type Message,
  readAck,
  readJsonBody,
  streamPreface,
} from '../../wire/mod.ts'
import type { Spool } from '../spool/spool.ts'

/** Where central takes frames. */
export type Upstream = { readonly path: string } | { readonly host: string; readonly port: number }

export interface StreamConfig {
  readonly upstream: Upstream
  readonly hello: Omit<Hello, 'timeMs'>
  /** The clock of this host, milliseconds since 1970. */
  readonly nowMs?: () => number
  /** Between two attempts, 5000 by default. */
  readonly longestDelayMs?: number
}

export interface StreamDeps {
  readonly spool: Spool
  /** The key of connection ids, with every WELCOME; undefined from a central that has none. */
  readonly onKey: (key: Uint8Array | undefined) => void
  /** Processes of central, when it is on this host. */
  readonly onPids: (pids: readonly number[]) => void
  /** Central refused the connection, not just a frame. */
  readonly onRefused?: (refusal: StreamRefusal) => void
}

export interface StreamRefusal {
  readonly code: string
  readonly message: string
}

/** taken: the node's name is another agent's. away: no answer, or a refusal of another kind. */
export type Outcome = 'welcome' | 'taken' | 'away'

export interface Stream extends Component {
  /** There are new frames in the spool. */
  offer(): void
  isConnected(): boolean
  /** Why central refuses this agent; undefined when it does not. */
  refusal(): StreamRefusal | undefined
  /** How the attempt at hand ends, at once when it has; away after `waitMs` without an end. */
  outcome(waitMs?: number): Promise<Outcome>
}

const firstDelayMs = 200
const defaultLongestDelayMs = 5000
/** No WELCOME, or no ACK while frames are out: the connection is dead. */
const silenceMs = 30_000
/** What central says is small. */
const answerMax = 65_536

export function createStream(config: StreamConfig, deps: StreamDeps, reporter: Reporter): Stream {
  const sentFrames = reporter.counter(
    'frames_total',
    'Frames sent to central, again ones included.',
  )
  const refused = reporter.counter('refused_total', 'Refusals by central, by code.')
  const connects = reporter.counter('connects_total', 'Connections to central that were made.')
  let socket: Socket | undefined
  let timer: NodeJS.Timeout | undefined
  let delayMs = firstDelayMs
  let stopped = true
  let welcome = false
  let credits = 0
  let outstanding: number[] = []
  let lastSent = 0
  let complained = false
  let refusal: StreamRefusal | undefined
  let clockTimer: NodeJS.Timeout | undefined
  const { nowMs = Date.now, longestDelayMs = defaultLongestDelayMs } = config
  const waiters = new Set<(outcome: Outcome) => void>()

  function open(): void {
    const made = connect('path' in config.upstream ? config.upstream : { ...config.upstream })
    const decoder = createMessageDecoder({ preface: false, lengthMax: answerMax })
    socket = made
    welcome = false
    outstanding = []
    lastSent = 0
    made.setNoDelay(true)
    made.setTimeout(silenceMs, onSilence)
    made.on('connect', () => {
      connects.add(1)
      made.write(streamPreface)
      made.write(encodeJsonMessage('hello', { ...config.hello, timeMs: nowMs() }))
    })
    made.on('data', (octets) => {
      try {
        decoder.push(octets, receive)
      } catch (error) {
        made.destroy(error instanceof Error ? error : undefined)
      }
    })
    made.on('drain', send)
    made.on('error', complain)
    made.on('close', onClose)
  }

  /** One line per outage, not one per attempt. */
  function complain(error: Error): void {
    if (!complained) reporter.log.warn({ err: messageOf(error) }, 'central is away, keeping frames')
    complained = true
  }

  function onSilence(): void {
    if (!welcome || outstanding.length > 0) socket?.destroy(new Error('central does not answer'))
  }

  function onClose(): void {
    socket = undefined
    welcome = false
    clearInterval(clockTimer)
    if (stopped) return
    settle(refusal?.code === 'node_taken' ? 'taken' : 'away')
    timer = setTimeout(open, delayMs * (0.5 + Math.random() / 2))
    delayMs = Math.min(delayMs * 2, longestDelayMs)
  }

  function receive({ type, body }: Message): void {
    if (type === 'welcome') onWelcome(readJsonBody(body))
    else if (type === 'ack') onAck(readAck(body))
    else if (type === 'refuse') onRefuse(readJsonBody(body))
    else throw new Error(`central sent ${type}`)
  }

  function onWelcome(answer: Readonly<Record<string, unknown>>): void {
    const given = answer['credits']
    if (answer['protocol'] !== 1 || typeof given !== 'number' || !(given >= 1)) {
      throw new Error('the WELCOME of central is not understood')
    }
    welcome = true
    complained = false
    refusal = undefined
    reporter.limited.over('refused', 'central takes frames of this agent')
    delayMs = firstDelayMs
    credits = Math.min(Math.floor(given), 1024)
    sayClock(answer['clockMs'])
    deps.onKey(keyOf(answer['fleetKey']))
    const pids = answer['pids']
    if (Array.isArray(pids) && isOnThisHost(config.upstream)) {
      deps.onPids(pids.filter((pid) => Number.isInteger(pid)))
    }
    settle('welcome')
    send()
  }

  function sayClock(everyMs: unknown): void {
    if (typeof everyMs !== 'number' || !(everyMs >= 10)) return
    clearInterval(clockTimer)
    clockTimer = setInterval(() => {
      if (welcome && socket && !socket.writableNeedDrain) socket.write(encodeClock(nowMs()))
    }, everyMs)
    clockTimer.unref()
  }

  function settle(outcome: Outcome): void {
    for (const resolve of waiters) resolve(outcome)
    waiters.clear()
  }

  function outcome(waitMs?: number): Promise<Outcome> {
    if (welcome) return Promise.resolve('welcome')
    return new Promise((resolve) => {
      waiters.add(resolve)
      if (waitMs !== undefined) setTimeout(resolve, waitMs, 'away')
    })
  }

  function onAck(sequence: number): void {
    outstanding = outstanding.filter((out) => out !== sequence)
    deps.spool.release(sequence)
    send()
  }

  function onRefuse(answer: Readonly<Record<string, unknown>>): void {
    const code = String(answer['code'])
    const sequence = Number(answer['sequence'])
    refused.add(1, code)
    const fields = { code, text: String(answer['message']), sequence }
    reporter.limited.error('refused', fields, 'central refused')
    if (answer['sequence'] === undefined) {
      delayMs = longestDelayMs
      refusal = { code, message: String(answer['message']) }
      deps.onRefused?.(refusal)
      socket?.destroy()
      return
    }
    outstanding = outstanding.filter((out) => out !== sequence)
    deps.spool.quarantine(sequence)
    send()
  }

  /** Nothing is read from the spool that the socket or central will not take now. */
  function send(): void {
    while (socket && welcome && outstanding.length < credits && !socket.writableNeedDrain) {
      const found = deps.spool.next(lastSent)
      if (!found) return
      lastSent = found.sequence
      outstanding.push(found.sequence)
      sentFrames.add(1)
      socket.write(encodeMessage('frame', found.frame))
    }
  }

  return {
    name: 'stream',
    start: () => {
      stopped = false
      open()
    },
    stop: () => {
      stopped = true
      clearTimeout(timer)
      clearInterval(clockTimer)
      socket?.destroy()
    },
    offer: send,
    isConnected: () => welcome,
    refusal: () => refusal,
    outcome,
  }
}

function keyOf(text: unknown): Uint8Array | undefined {
  if (text === undefined) return undefined
  if (typeof text === 'string' && /^[0-9a-f]{32}$/.test(text)) return Buffer.from(text, 'hex')
  throw new Error('the key in the WELCOME of central is not understood')
}

/** Whether pids of the other side mean something here. */
function isOnThisHost(upstream: Upstream): boolean {
  return 'path' in upstream || upstream.host === 'localhost' || /^127\.|^::1$/.test(upstream.host)
}
