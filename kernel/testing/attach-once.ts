// A process with few rights: loads a socket filter, attaches it, and says in one line how far it came.

import { readFileSync } from 'node:fs'
import { messageOf } from '../../common/mod.ts'
import { socketFilter } from '../loader/attach/socket-filter.ts'
import { openObject } from '../loader/object.ts'

interface Request {
  readonly place: { readonly interface: string }
  /** Programs of the object that take other rights. */
  readonly without: readonly string[]
}

const { place, without } = JSON.parse(process.argv[2] as string) as Request
const feature = socketFilter.feature(place)
if (feature.state === 'available') {
  const bytes = readFileSync(new URL('attach.bpf.o', import.meta.url))
  const what = 'a socket filter'
  const capabilities = ['CAP_BPF', 'CAP_NET_RAW'] as const
  const options = { settings: {}, maxEntries: {}, without: new Set(without), capabilities }
  try {
    const object = openObject({ what, bytes, ...options })
    object.attach('weir_filter', socketFilter, place)
    object.close()
    process.stdout.write('available attached\n')
  } catch (error) {
    process.stdout.write(`available ${messageOf(error)}\n`)
  }
} else process.stdout.write(`${feature.state} ${feature.error.message}\n`)
