// Weir's own connections are left out (and counted): both ends its own processes, or its way to central.

import { recordWords, short, word } from '../drain/record.ts'
import { shortAt, u32At } from '../tcp/end-table.ts'
import type { Connections } from '../tcp/state.ts'

export interface Own {
  /** Processes of Weir on this node. */
  readonly tgids: Set<number>
  /** Address (four words in memory order) and port of central, when it is reached by TCP. */
  upstream: { readonly address: Uint32Array; readonly port: number } | undefined
}

export function isOwn({ ends, table }: Connections, connection: number, own: Own): boolean {
  const src = table.src[connection] as number
  const dst = table.dst[connection] as number
  if (src < 0 || !own.tgids.has(u32At(ends, src, word.tgid))) return false
  if (dst >= 0 && own.tgids.has(u32At(ends, dst, word.tgid))) return true
  const { upstream } = own
  if (!upstream || shortAt(ends, src, short.remotePort) !== upstream.port) return false
  return upstream.address.every(
    (part, index) => ends.words[src * recordWords + word.remote + index] === part,
  )
}
