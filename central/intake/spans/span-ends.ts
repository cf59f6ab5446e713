// Who called whom, by the names of OpenTelemetry's conventions, the old ones as well.

import { parseAddress } from '../../../wire/mod.ts'
import type { Attributes, Span } from './request.ts'

/** One end of a call; what is not known is '' or 0. */
export interface SpanEnd {
  readonly address: string
  readonly port: number
  readonly workload: string
  readonly namespace: string
  readonly pod: string
  readonly process: string
  readonly pid: number
  readonly container: string
  readonly node: string
}

export interface SpanEnds {
  readonly src: SpanEnd
  readonly dst: SpanEnd
  /** The end whose process made the span. */
  readonly side: 'src' | 'dst'
}

const [server, client, producer, consumer] = [2, 3, 4, 5]
const callers = new Set([client, producer])
const called = new Set([server, consumer])

/** Undefined of what is no call over the network, or does not say with whom. */
export function spanEndsOf({ kind, resource, attributes }: Span): SpanEnds | undefined {
  const captured = capturedEnds(resource, attributes)
  if (captured) return captured
  const isCaller = callers.has(kind)
  if (!isCaller && !called.has(kind)) return undefined
  const peer = isCaller ? serverOf(attributes) : clientOf(attributes)
  if (peer.address === '' && peer.workload === '') return undefined
  const own = ownEnd(resource, attributes, isCaller)
  return isCaller ? { src: own, dst: peer, side: 'src' } : { src: peer, dst: own, side: 'dst' }
}

/**
 * A span of a collector of packets names both ends, whatever its kind: src.ip, dest.ip. The older one has them on the
 * resource.
 */
function capturedEnds(resource: Attributes, attributes: Attributes): SpanEnds | undefined {
  const holder = attributes.has('src.ip') ? attributes : resource
  const [src, dst] = [addressIn(holder, ['src.ip']), addressIn(holder, ['dest.ip'])]
  if (src === '' || dst === '') return undefined
  const side = textIn(holder, ['direction']) === 'ingress' ? 'dst' : 'src'
  const own = ownEnd(resource, attributes, side === 'src')
  const ends = {
    src: { ...nobody, address: src, port: portIn(holder, ['src.port']) },
    dst: { ...nobody, address: dst, port: portIn(holder, ['dest.port']) },
  }
  const { address, port } = ends[side]
  return { ...ends, [side]: { ...own, address, port }, side }
}

function serverOf(attributes: Attributes): SpanEnd {
  const names = ['network.peer.address', 'net.sock.peer.addr', 'net.peer.ip', 'server.address']
  const ports = ['network.peer.port', 'net.sock.peer.port', 'server.port', 'net.peer.port']
  const name = ['peer.service', 'server.address', 'net.peer.name', 'net.sock.peer.name']
  return peerOf(attributes, { names, ports, name })
}

function clientOf(attributes: Attributes): SpanEnd {
  const names = ['network.peer.address', 'net.sock.peer.addr', 'net.peer.ip', 'client.address']
  const ports = ['network.peer.port', 'net.sock.peer.port', 'net.peer.port', 'client.port']
  return peerOf(attributes, { names, ports, name: ['peer.service'] })
}

interface PeerNames {
  readonly names: readonly string[]
  readonly ports: readonly string[]
  readonly name: readonly string[]
}

function peerOf(attributes: Attributes, { names, ports, name }: PeerNames): SpanEnd {
  const address = addressIn(attributes, names)
  const called = textIn(attributes, name)
  const isName = called !== '' && parseAddress(called) === undefined
  return { ...nobody, address, port: portIn(attributes, ports), workload: isName ? called : '' }
}

/** An end of which nothing is known. */
export const nobody: SpanEnd = {
  address: '',
  port: 0,
  workload: '',
  namespace: '',
  pod: '',
  process: '',
  pid: 0,
  container: '',
  node: '',
}

function ownEnd(resource: Attributes, attributes: Attributes, isCaller: boolean): SpanEnd {
  const addresses = ['network.local.address', 'net.host.ip', 'net.sock.host.addr']
  const ports = ['network.local.port', 'net.sock.host.port']
  if (isCaller) {
    addresses.push('client.address')
    ports.push('client.port')
  } else ports.push('server.port', 'net.host.port')
  const ofSpan = addressIn(attributes, addresses)
  return {
    address: ofSpan === '' ? addressIn(resource, ['k8s.pod.ip']) : ofSpan,
    port: portIn(attributes, ports),
    workload: textIn(resource, ['service.name']),
    namespace: textIn(resource, ['k8s.namespace.name', 'service.namespace']),
    pod: textIn(resource, ['k8s.pod.name']),
    process: textIn(resource, ['process.executable.name']),
    pid: numberIn(resource, ['process.pid'], 0xffff_ffff),
    container: textIn(resource, ['container.id']),
    node: textIn(resource, ['k8s.node.name', 'host.name']),
  }
}

const textMax = 256

function textIn(attributes: Attributes, names: readonly string[]): string {
  for (const name of names) {
    const value = attributes.get(name)
    if (typeof value === 'string' && value !== '') {
      return value.slice(0, textMax).replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, '')
    }
  }
  return ''
}

function addressIn(attributes: Attributes, names: readonly string[]): string {
  for (const name of names) {
    const value = attributes.get(name)
    if (typeof value === 'string' && parseAddress(value)) return value
  }
  return ''
}

const portIn = (attributes: Attributes, names: readonly string[]) =>
  numberIn(attributes, names, 65_535)

/** SDKs write ports as numbers or as text. */
function numberIn(attributes: Attributes, names: readonly string[], most: number): number {
  for (const name of names) {
    const value = Number(attributes.get(name) ?? Number.NaN)
    if (Number.isInteger(value) && value > 0 && value <= most) return value
  }
  return 0
}
