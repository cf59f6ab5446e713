// Loads kernel/build/xdp.bpf.o; nothing is attached.

import { readFileSync } from 'node:fs'
import { type LoadedObject, openObject } from '../../loader/object.ts'

const objectUrl = new URL('../../build/xdp.bpf.o', import.meta.url)

/** Throws what `openObject` does. */
export function loadXdpObject(): LoadedObject {
  return openObject({
    what: 'the xdp probe',
    bytes: readFileSync(objectUrl),
    settings: {},
    maxEntries: {},
    without: new Set(),
    capabilities: ['CAP_BPF', 'CAP_NET_ADMIN'],
  })
}
