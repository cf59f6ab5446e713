// What is Weir's own: its connections are left out, and counted.

import { lookup } from 'node:dns/promises'
import { parseAddress } from '../../wire/mod.ts'
import { ownPids } from '../process.ts'
import type { Upstream } from '../stream/stream.ts'

export interface Own {
  /** Processes of Weir on this node. */
  readonly tgids: Set<number>
  /** Address (four words in memory order) and port of central, when it is reached by TCP. */
  upstream: { readonly address: Uint32Array; readonly port: number } | undefined
}

/** With the processes of this host; central's address as it is known now. */
export async function ownOf(upstream: Upstream): Promise<Own> {
  const tgids = ownPids()
  if ('path' in upstream) return { tgids, upstream: undefined }
  const octets = await lookup(upstream.host).then(
    ({ address }) => parseAddress(address),
    () => undefined, // central's name may come to be known later; its connection is then shown
  )
  if (!octets) return { tgids, upstream: undefined }
  const address = new Uint32Array(Uint8Array.from(octets).buffer)
  return { tgids, upstream: { address, port: upstream.port } }
}

/** Whether central is at that port of the address in four words from `from` on. */
export function isUpstream({ upstream }: Own, words: Uint32Array, from: number, port: number) {
  if (!upstream || upstream.port !== port) return false
  return upstream.address.every((part, index) => words[from + index] === part)
}
