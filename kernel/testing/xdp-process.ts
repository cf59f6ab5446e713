// Does one thing about XDP again and again until it is killed; a line says when it has begun.

import { placeOf } from '../probes/xdp/attach.ts'
import { attachPinnedXdp, detachPinnedXdp } from '../probes/xdp/door.ts'
import { openPinned } from '../probes/xdp/pinned.ts'
import { openReader } from '../probes/xdp/readers.ts'
import { applyRules } from '../probes/xdp/rule-store.ts'
import { parseRules } from '../rules/text.ts'

const [phase = '', netns = '', root = ''] = process.argv.slice(2)
const target = { interface: 'far0', netns, root }
process.stdout.write('begun\n')
if (phase === 'attach') {
  for (;;) {
    await attachPinnedXdp(target, 'generic')
    await detachPinnedXdp(target)
  }
}
if (phase === 'detach') await detachPinnedXdp(target)
const { maps } = openPinned(placeOf(target))
if (phase === 'confirm') {
  const { rules } = parseRules('drop from 10.77.0.0/24 label 2')
  applyRules(maps, rules, { interface: 'far0', protect: true, confirmWithinMs: 2000 })
  process.stdout.write('applied\n')
  setInterval(() => {}, 1000)
}
for (let turn = 0; phase !== 'confirm'; turn++) {
  if (phase === 'apply') {
    const { rules } = parseRules(`drop from 10.77.0.0/24 label ${turn}\npass from 192.0.2.1`)
    applyRules(maps, rules, { interface: 'far0', protect: true })
  } else {
    openReader(maps, 'far0', { want: 'all', every: 1, snap: 64, protocols: [] }).drain(() => {})
  }
  if (phase === 'read') await new Promise((resolve) => setTimeout(resolve, 1000))
}
