// Loads kernel/build/xdp.bpf.o; nothing is attached.

import { readFileSync } from 'node:fs'
import { missingCapabilities } from '../../loader/host.ts'
import { type LoadedObject, openObject } from '../../loader/object.ts'

const objectUrl = new URL('../../build/xdp.bpf.o', import.meta.url)

/** Throws what `openObject` does. */
export function loadXdpObject(): LoadedObject {
  return openObject({
    what: 'the xdp probe',
    bytes: readFileSync(objectUrl),
    settings: { tasks_allowed: missingCapabilities(['CAP_PERFMON']).length === 0 ? 1n : 0n },
    maxEntries: {},
    without: new Set(),
    capabilities: ['CAP_BPF', 'CAP_NET_ADMIN'],
  })
}
