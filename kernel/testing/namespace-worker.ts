// A worker for the test of namespaces: what dump and dumpNamespace see, and where the thread is afterwards.

import { statSync } from 'node:fs'
import { parentPort, workerData } from 'node:worker_threads'
import type { AppError } from '../../common/mod.ts'
import { openSocketProbe } from '../probes/socket/socket.ts'

const { path, netns } = workerData as { path: string; netns: number }
const home = () => statSync('/proc/thread-self/ns/net').ino
const homeBefore = home()
const probe = openSocketProbe({ netns, ringBytes: 1 << 20 })
let answer: Record<string, unknown>
try {
  let missing = ''
  try {
    probe.dumpNamespace('/run/netns/weir-there-is-none')
  } catch (error) {
    missing = (error as AppError).code
  }
  const held = new Uint8Array(probe.dump())
  const all = new Uint8Array(probe.dumpNamespace(path))
  const later = new Uint8Array(probe.dump({ onlyChanges: false }))
  const { seesUnheld } = probe
  answer = { homeBefore, homeAfter: home(), missing, held, all, later, seesUnheld }
} finally {
  probe.close()
}
parentPort?.postMessage(answer)
