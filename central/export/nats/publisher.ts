// Messages into a stream, many at a time: each has a reply subject of its own, on which the server says that it is
// kept. The client's own publish makes promises, a timer and two stack traces per message.

import { type ApiError, JetStreamApiError } from '@nats-io/jetstream'
import { createInbox, type Msg, type MsgHdrs, type NatsConnection } from '@nats-io/transport-node'

export interface Publisher {
  /** Sends it; nothing says yet that it is kept. */
  publish(subject: string, octets: Uint8Array, headers: MsgHdrs): void
  /** So many wait that the next must wait for `room`; also when nothing can be published any more. */
  isFull(): boolean
  room(): Promise<void>
  /** Resolves when every message is acknowledged. Rejects when one was refused or cannot be any more. */
  acknowledged(): Promise<void>
}

/** Messages that wait for their acknowledgement at a time; when they are so many, half must come first. */
const waitingMax = 512
const noResponders = 503

interface Answer {
  readonly stream?: string
  readonly error?: ApiError
}

export function createPublisher(connection: NatsConnection): Publisher {
  const inbox = createInbox()
  const waiting = new Set<string>()
  let sent = 0
  let failure: unknown
  let calm: { readonly most: number; readonly turn: PromiseWithResolvers<void> } | undefined

  connection.subscribe(`${inbox}.*`, {
    callback: (error, message) => (error ? fail(error) : acknowledge(message)),
  })
  void connection.closed().then((error) => fail(error ?? new Error('the connection was closed')))

  function acknowledge(message: Msg): void {
    const problem = problemOf(message)
    if (problem) fail(problem)
    else waiting.delete(message.subject)
    if (calm && waiting.size <= calm.most) settle()
  }

  function fail(error: unknown): void {
    failure ??= error
    settle()
  }

  function settle(): void {
    const turn = calm?.turn
    calm = undefined
    if (failure === undefined) turn?.resolve()
    else turn?.reject(failure)
  }

  function until(most: number): Promise<void> {
    const turn = Promise.withResolvers<void>()
    calm = { most, turn }
    if (failure !== undefined || waiting.size <= most) settle()
    return turn.promise
  }

  function publish(subject: string, octets: Uint8Array, headers: MsgHdrs): void {
    const reply = `${inbox}.${++sent}`
    waiting.add(reply)
    connection.publish(subject, octets, { reply, headers })
  }

  return {
    publish,
    isFull: () => waiting.size >= waitingMax || failure !== undefined,
    room: () => until(waitingMax / 2),
    acknowledged: () => until(0),
  }
}

/** What keeps the message from being in the stream; undefined when it is there. */
function problemOf(message: Msg): Error | undefined {
  if (message.headers?.code === noResponders) return new Error('jetstream is not enabled')
  try {
    const { error, stream } = message.json<Answer>()
    if (error) return new JetStreamApiError(error)
    return stream ? undefined : new Error('the server gave no acknowledgement')
  } catch (error) {
    return new Error('the server gave no acknowledgement', { cause: error })
  }
}
