// A central that takes frames and keeps them, for tests of the agent: the real socket, the real messages.

import { once } from 'node:events'
import { createServer, type Socket } from 'node:net'
import {
  createMessageDecoder,
  encodeAck,
  encodeJsonMessage,
  type FrameHeader,
  type Message,
  readClock,
  readFrameBlock,
  readFrameHeader,
  readJsonBody,
} from '../../wire/mod.ts'

export interface FakeCentral {
  /** Frames in the order they came, doubles left out as central does. */
  readonly frames: { readonly header: FrameHeader; readonly block: Uint8Array }[]
  readonly hellos: Readonly<Record<string, unknown>>[]
  /** Readings of the agent's clock. */
  readonly clocks: number[]
  /** While set, HELLO is refused for it. */
  refusal: { readonly code: string; readonly message: string } | undefined
  /** Sequences to refuse instead of acknowledging. */
  readonly refuse: Set<number>
  /** Ends the connections at hand. */
  cut(): void
  stop(): Promise<void>
}

export async function startFakeCentral(path: string, credits = 4): Promise<FakeCentral> {
  const sockets = new Set<Socket>()
  const seen = new Set<number>()
  const fake: FakeCentral = {
    frames: [],
    hellos: [],
    clocks: [],
    refusal: undefined,
    refuse: new Set<number>(),
    cut,
    stop,
  }
  const server = createServer((socket) => {
    const decoder = createMessageDecoder({ preface: true })
    sockets.add(socket)
    socket.on('data', (octets) => decoder.push(octets, (message) => answer(socket, message)))
    socket.on('error', () => {})
    socket.on('close', () => sockets.delete(socket))
  })

  const fleetKey = '00112233445566778899aabbccddeeff'

  function answer(socket: Socket, { type, body }: Message): void {
    if (type === 'hello') {
      fake.hellos.push(readJsonBody(body))
      if (fake.refusal) return void socket.end(encodeJsonMessage('refuse', fake.refusal))
      socket.write(
        encodeJsonMessage('welcome', { protocol: 1, version: '0', credits, clockMs: 20, fleetKey }),
      )
      return
    }
    if (type === 'clock') return void fake.clocks.push(readClock(body))
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

  async function stop(): Promise<void> {
    cut()
    server.close()
    await once(server, 'close')
  }

  server.listen(path)
  await once(server, 'listening')
  return fake
}
