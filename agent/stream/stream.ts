// The way to central: one connection, frames in order out of the spool, as many unacknowledged as central gave
// credits for. An ACK empties the spool; anything else that ends the connection begins a new one.
//
//   waiting --timer--> connecting --connect--> greeting --WELCOME--> sending --close--> waiting

import { connect, type Socket } from 'node:net'
import { type Component, messageOf, type Reporter } from '../../common/mod.ts'
import {
  createMessageDecoder,
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
  readonly hello: Hello
}

export interface StreamDeps {
  readonly spool: Spool
  /** Processes of central, when it is on this host. */
  readonly onPids: (pids: readonly number[]) => void
}

export interface Stream extends Component {
  /** There are new frames in the spool. */
  offer(): void
  isConnected(): boolean
}

const firstDelayMs = 200
const longestDelayMs = 5000
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
      made.write(encodeJsonMessage('hello', config.hello))
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
    if (stopped) return
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
    delayMs = firstDelayMs
    credits = Math.min(Math.floor(given), 1024)
    const pids = answer['pids']
    if (Array.isArray(pids) && isOnThisHost(config.upstream)) {
      deps.onPids(pids.filter((pid) => Number.isInteger(pid)))
    }
    send()
  }

  function onAck(sequence: number): void {
    outstanding = outstanding.filter((out) => out !== sequence)
    deps.spool.release(sequence)
    send()
  }

  function onRefuse(refusal: Readonly<Record<string, unknown>>): void {
    const code = String(refusal['code'])
    const sequence = Number(refusal['sequence'])
    refused.add(1, code)
    const fields = { code, text: String(refusal['message']), sequence }
    reporter.limited.error('refused', fields, 'central refused')
    if (refusal['sequence'] === undefined) {
      delayMs = longestDelayMs
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
      socket?.destroy()
    },
    offer: send,
    isConnected: () => welcome,
  }
}

/** Whether pids of the other side mean something here. */
function isOnThisHost(upstream: Upstream): boolean {
  return 'path' in upstream || upstream.host === 'localhost' || /^127\.|^::1$/.test(upstream.host)
}
