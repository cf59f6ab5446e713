// What the running kernel must be able to do, and whether the probe found it: a feature may be missing on an
// old kernel, never on a new one.

import assert from 'node:assert/strict'
import { release } from 'node:os'
import type { SocketProbe } from '../mod.ts'

/** Whether reading and writing tell the owner: sock_send_length and sock_recv_length, from 6.3 on. */
export function tellsIo(probe: Pick<SocketProbe, 'programs'>): boolean {
  const hooks = probe.programs.filter(({ name }) => /^socket_(?:send|receive)$/.test(name))
  const on = hooks.length === 2 && hooks.every(({ state }) => state === 'on')
  assert.equal(on, kernelAtLeast(6, 3), `I/O hooks on ${release()}`)
  return on
}

/** Whether the running kernel is of this version or later: what a test expects, never what the product asks. */
export function kernelAtLeast(major: number, minor: number): boolean {
  const [ours = 0, minorOfOurs = 0] = release().split('.').map(Number)
  return ours > major || (ours === major && minorOfOurs >= minor)
}
