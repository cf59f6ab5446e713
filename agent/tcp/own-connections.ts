// Weir's own connections are left out (and counted): both ends its own processes, or its way to central.

import { recordWords, short, word } from '../drain/record.ts'
import { isUpstream, type Own } from '../identity/own.ts'
import { shortAt, u32At } from './end-table.ts'
import type { Connections } from './state.ts'

export function isOwn({ ends, table }: Connections, connection: number, own: Own): boolean {
  const src = table.src[connection] as number
  const dst = table.dst[connection] as number
  if (src < 0 || !own.tgids.has(u32At(ends, src, word.tgid))) return false
  if (dst >= 0 && own.tgids.has(u32At(ends, dst, word.tgid))) return true
  const remote = src * recordWords + word.remote
  return isUpstream(own, ends.words, remote, shortAt(ends, src, short.remotePort))
}
