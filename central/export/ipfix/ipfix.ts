// An IPFIX collector as a receiver, over UDP, TCP or TLS. The protocol has no acknowledgement: a batch counts as taken
// when the network stack has it. A collector sees in the sequence numbers what it has missed.

import { createSocket, type Socket as UdpSocket } from 'node:dgram'
import { once } from 'node:events'
import { connect as connectTcp, type Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { connect as connectTls } from 'node:tls'
import { parseDurationMs } from '../../../common/mod.ts'
import type { ExportConfig } from '../config.ts'
import { exportError } from '../errors.ts'
import { forEachRow, type Receiver, type ReceiverKind } from '../receiver.ts'
import { serverAt, tlsOptions } from '../tls.ts'
import { createIpfixEncoder, enterpriseFields, type IpfixEncoder, ipfixFields } from './message.ts'

export const ipfixKind: ReceiverKind = {
  needs: () => [...ipfixFields, ...enterpriseFields],
  create: createIpfix,
}

interface Transport {
  readonly write: (messages: readonly Buffer[]) => Promise<void>
  readonly isOpen: () => boolean
  readonly close: () => void
}

/** Datagrams that leave at once: what a socket buffer of 208 KiB holds twice over; then the collector gets its turn. */
const burst = 64
const burstPauseMs = 2
const udpLengthMax = 1400
const streamLengthMax = 16_384

function createIpfix(config: ExportConfig): Receiver {
  const { name, options = {} } = config
  const wrong = (what: string) => exportError('export_wrong', { details: { name, what } })
  const place = placeOf(config.endpoint)
  if (!place) throw wrong('endpoint: expected udp://HOST:PORT, tcp://HOST:PORT or tls://HOST:PORT')
  if (config.tables?.some((table) => table !== 'flows'))
    throw wrong('ipfix has records of flows only')
  const refreshMs = parseDurationMs(options['template_refresh'] ?? '1m')
  if (!refreshMs || refreshMs < 5_000 || refreshMs > 600_000) {
    throw wrong('template_refresh: expected a time span from 5s to 10m')
  }
  const isUdp = place.protocol === 'udp:'
  const lengthMax = Number(options['mtu'] ?? (isUdp ? udpLengthMax : streamLengthMax))
  const enterprise = options['enterprise_number']
  const encoder: IpfixEncoder = createIpfixEncoder({
    lengthMax,
    domain: Number(options['observation_domain'] ?? 1),
    enterprise: enterprise === undefined ? undefined : Number(enterprise),
  })
  let transport: Transport | undefined
  let templatesMs = 0

  async function open(signal: AbortSignal): Promise<Transport> {
    if (transport?.isOpen()) return transport
    const { host, port, protocol } = place as Place
    templatesMs = 0
    if (protocol === 'udp:') transport = await udp(host, port)
    else {
      const tls = protocol === 'tls:' ? await tlsOptions(config.tls ?? {}) : undefined
      const socket = tls
        ? connectTls({ ...serverAt(host, port), ...tls })
        : connectTcp({ host, port })
      transport = await stream(socket, tls ? 'secureConnect' : 'connect', signal)
    }
    return transport
  }

  return {
    target: config.endpoint,
    send: async (batch, _, signal) => {
      const out = await open(signal)
      const nowMs = Date.now()
      const messages: Buffer[] = []
      if (templatesMs === 0 || (isUdp && nowMs - templatesMs >= refreshMs)) {
        messages.push(Buffer.from(encoder.templates(nowMs)))
        templatesMs = nowMs
      }
      forEachRow(batch, (rows, row) => {
        const full = encoder.add(rows, row, nowMs)
        if (full) messages.push(full)
      })
      const last = encoder.flush(nowMs)
      if (last) messages.push(last)
      try {
        await out.write(messages)
      } catch (error) {
        out.close()
        throw error
      }
    },
    close: async () => transport?.close(),
  }
}

interface Place {
  readonly protocol: string
  readonly host: string
  readonly port: number
}

function placeOf(endpoint: string): Place | undefined {
  const match = /^(udp:|tcp:|tls:)\/\/(?:\[([^\]]+)\]|([^:/]+)):(\d+)\/?$/.exec(endpoint)
  if (!match) return undefined
  const [, protocol = '', v6, host = '', port] = match
  return { protocol, host: v6 ?? host, port: Number(port) }
}

/** Connected, so that a closed port is heard of: the kernel says so at the next datagram. */
async function udp(host: string, port: number): Promise<Transport> {
  const socket: UdpSocket = createSocket(host.includes(':') ? 'udp6' : 'udp4')
  let failure: Error | undefined
  let isOpen = true
  socket.on('error', (error) => {
    failure = error
  })
  await new Promise<void>((resolve, reject) => {
    socket.once('error', reject)
    socket.connect(port, host, () => resolve())
  })
  const close = () => {
    if (isOpen) socket.close()
    isOpen = false
  }
  const sendOne = (message: Buffer) =>
    new Promise<void>((resolve, reject) =>
      socket.send(message, (error) => (error ? reject(error) : resolve())),
    )
  async function write(messages: readonly Buffer[]): Promise<void> {
    for (const [index, message] of messages.entries()) {
      if (index > 0 && index % burst === 0) await delay(burstPauseMs)
      if (failure) throw failure
      await sendOne(message)
    }
  }
  return { write, isOpen: () => isOpen && failure === undefined, close }
}

async function stream(socket: Socket, ready: string, signal: AbortSignal): Promise<Transport> {
  let failure: Error | undefined
  socket.on('error', (error) => {
    failure = error
  })
  // A collector says nothing; what it says anyway must not keep the socket from ending.
  socket.resume()
  const abort = () => socket.destroy(new Error('no answer in time'))
  signal.addEventListener('abort', abort, { once: true })
  await once(socket, ready).finally(() => signal.removeEventListener('abort', abort))
  const write = (messages: readonly Buffer[]) =>
    new Promise<void>((resolve, reject) => {
      if (failure || socket.destroyed) return reject(failure ?? new Error('the collector closed'))
      socket.write(Buffer.concat(messages), (error) => (error ? reject(error) : resolve()))
    })
  const isOpen = () => !socket.destroyed && !socket.readableEnded && failure === undefined
  return { write, isOpen, close: () => socket.destroy() }
}
