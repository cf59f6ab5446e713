// A port for a server that is started later: nobody has it now, and no connection will take it meanwhile.

import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:net'

const from = 10_000
const tries = 100

/**
 * A TCP port of loopback below those that the kernel gives to connections: one of these could be somebody's by the time
 * the server begins.
 */
export async function freePort(): Promise<number> {
  const range = readFileSync('/proc/sys/net/ipv4/ip_local_port_range', 'utf8')
  const below = Number.parseInt(range, 10)
  for (let attempt = 0; attempt < tries; attempt++) {
    const port = from + Math.floor(Math.random() * (below - from))
    const server = createServer().listen(port, '127.0.0.1')
    const isFree = await once(server, 'listening').then(
      () => true,
      () => false,
    )
    if (!isFree) continue
    server.close()
    await once(server, 'close')
    return port
  }
  throw new Error(`no port of ${from} to ${below} is free`)
}
