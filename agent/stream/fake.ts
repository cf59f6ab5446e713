// A central that takes frames and keeps them, for tests of the agent: the real socket, the real messages.

import { once } from 'node:events'
import { createServer, type Socket } from 'node:net'
import {
  createMessageDecoder,
  encodeAck,
  encodeJsonMessage,
  type FrameHeader,
  type Message,
  readFrameBlock,
  readFrameHeader,
  readJsonBody,
} from '../../wire/mod.ts'

export interface FakeCentral {
  /** Frames in the order they came, doubles left out as central does. */
  readonly frames: { readonly header: FrameHeader; readonly block: Uint8Array }[]
  readonly hellos: Readonly<Record<string, unknown>>[]
  /** Sequences to refuse instead of acknowledging. */
  readonly refuse: Set<number>
  /** Ends the connections at hand. */
  cut(): void
  stop(): Promise<void>
}

export async function startFakeCentral(path: string, credits = 4): Promise<FakeCentral> {
  const sockets = new Set<Socket>()
  const seen = new Set<number>()
  const fake = { frames: [], hellos: [], refuse: new Set<number>() } as Pick<
    FakeCentral,
    'frames' | 'hellos' | 'refuse'
  >
  const server = createServer((socket) => {
    const decoder = createMessageDecoder({ preface: true })
    sockets.add(socket)
    socket.on('data', (octets) => decoder.push(octets, (message) => answer(socket, message)))
    socket.on('error', () => {})
    socket.on('close', () => sockets.delete(socket))
  })

  function answer(socket: Socket, { type, body }: Message): void {
    if (type === 'hello') {
      fake.hellos.push(readJsonBody(body))
      socket.write(encodeJsonMessage('welcome', { protocol: 1, version: '0', credits }))
      return
    }
    const header = readFrameHeader(body)
    if (fake.refuse.has(header.sequence)) {
      const refusal = { code: 'bad', message: 'refused', sequence: String(header.sequence) }
      socket.write(encodeJsonMessage('refuse', refusal))
      return
    }
    const block = Uint8Array.from(readFrameBlock(body, header))
    if (!seen.has(header.sequence)) fake.frames.push({ header, block })
    seen.add(header.sequence)
    socket.write(encodeAck(header.sequence))
  }

  function cut(): void {
    for (const socket of sockets) socket.destroy()
  }

  server.listen(path)
  await once(server, 'listening')
  return {
    ...fake,
    cut,
    stop: async () => {
      cut()
      server.close()
      await once(server, 'close')
    },
  }
}

/** Waits for a condition, at most ten seconds. */
export async function until<T>(what: string, read: () => T | undefined | false): Promise<T> {
  const end = Date.now() + 60_000
  for (;;) {
    const value = read()
    if (value !== undefined && value !== false) return value
    if (Date.now() > end) throw new Error(`waiting for ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}
