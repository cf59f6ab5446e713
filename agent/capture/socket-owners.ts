// Which process has the socket of a packet, as /proc knows it at that time: the socket tables of the interface's network
// namespace, then whoever holds the socket. A socket that was opened and closed between two looks has no process here.

import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { networkNamespaces } from '../../kernel/mod.ts'

export interface SocketOwner {
  readonly process: string
  readonly pid: number
}

/** One end of a connection: 16 octets, IPv4 as `::ffff:a.b.c.d`. */
export interface SocketEnd {
  readonly address: Uint8Array
  readonly port: number
}

export interface SocketOwners {
  /** Of TCP and UDP; undefined if there is none, or it is not known. */
  ownerOf(protocol: number, local: SocketEnd, remote: SocketEnd): SocketOwner | undefined
}

const [tcp, udp] = [6, 17]
const tables: Readonly<Record<number, readonly string[]>> = {
  [tcp]: ['tcp', 'tcp6'],
  [udp]: ['udp', 'udp6'],
}
/** A look goes through all processes: not more often, however many unknown tuples there are. */
const lookAgainMs = 250
const any = `${'0'.repeat(32)}:0`

export function createSocketOwners(netns: number, nowMs: () => number = Date.now): SocketOwners {
  let inodes = new Map<string, string>()
  let owners = new Map<string, SocketOwner>()
  let lookedMs = Number.NEGATIVE_INFINITY

  function ownerOf(protocol: number, local: SocketEnd, remote: SocketEnd) {
    if (tables[protocol] === undefined) return undefined
    const names = namesOf(protocol, local, remote)
    const known = find(names)
    if (known || nowMs() - lookedMs < lookAgainMs) return known
    lookedMs = nowMs()
    const process = networkNamespaces().find(({ inode }) => inode === netns)?.path
    inodes = process ? readTables(process.replace(/\/ns\/net$/, '')) : new Map()
    owners = readOwners(new Set(inodes.values()))
    return find(names)
  }

  function find(names: readonly string[]): SocketOwner | undefined {
    for (const name of names) {
      const owner = owners.get(inodes.get(name) ?? '')
      if (owner) return owner
    }
    return undefined
  }

  return { ownerOf }
}

/** The whole tuple; then, of UDP, a socket that is not connected, at its address or at every one. */
function namesOf(protocol: number, local: SocketEnd, remote: SocketEnd): readonly string[] {
  const here = nameOf(local)
  const whole = `${protocol} ${here} ${nameOf(remote)}`
  if (protocol === tcp) return [whole]
  const mapped = `${'0'.repeat(20)}ffff${'0'.repeat(8)}`
  const everywhere = [`${'0'.repeat(32)}:${local.port}`, `${mapped}:${local.port}`]
  return [whole, ...[here, ...everywhere].map((end) => `${protocol} ${end} ${any}`)]
}

function nameOf({ address, port }: SocketEnd): string {
  return `${Buffer.from(address).toString('hex')}:${port}`
}

/** Inodes of sockets by their names; `process` is a folder below /proc. */
function readTables(process: string): Map<string, string> {
  const found = new Map<string, string>()
  for (const [protocol, names] of Object.entries(tables)) {
    for (const line of names.flatMap((name) => linesOf(`${process}/net/${name}`))) {
      const [, local = '', remote = '', , , , , , , inode = '0'] = line.trim().split(/\s+/)
      if (inode === '0') continue
      found.set(`${protocol} ${endOf(local)} ${endOf(remote)}`, inode)
    }
  }
  return found
}

function linesOf(path: string): readonly string[] {
  try {
    return readFileSync(path, 'utf8').trimEnd().split('\n').slice(1)
  } catch {
    return []
  }
}

/** `0100007F:1F90`: words in the octet order of the machine, which is little-endian here; nothing is `::`. */
function endOf(text: string): string {
  const [address = '', port = '0'] = text.split(':')
  const octets = Buffer.from(address, 'hex')
  for (let at = 0; at < octets.length; at += 4) octets.subarray(at, at + 4).reverse()
  const number = Number.parseInt(port, 16)
  if (octets.every((octet) => octet === 0) && number === 0) return any
  const prefix = octets.length === 4 ? `${'0'.repeat(20)}ffff` : ''
  return `${prefix}${octets.toString('hex')}:${number}`
}

function readOwners(inodes: ReadonlySet<string>): Map<string, SocketOwner> {
  const found = new Map<string, SocketOwner>()
  for (const entry of namesIn('/proc')) {
    if (!/^\d+$/.test(entry)) continue
    for (const fd of namesIn(`/proc/${entry}/fd`)) {
      const inode = /^socket:\[(\d+)\]$/.exec(linkAt(`/proc/${entry}/fd/${fd}`))?.[1]
      if (inode === undefined || !inodes.has(inode) || found.has(inode)) continue
      found.set(inode, { process: textAt(`/proc/${entry}/comm`).trim(), pid: Number(entry) })
    }
  }
  return found
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder)
  } catch {
    return [] // the process has ended
  }
}

function linkAt(path: string): string {
  try {
    return readlinkSync(path)
  } catch {
    return ''
  }
}

function textAt(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}
