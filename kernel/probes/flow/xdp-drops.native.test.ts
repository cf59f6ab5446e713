// A rule at XDP and the flow probe at one interface: what the rule drops is no packet that nobody saw.

import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { until } from '../../../common/until.fake.ts'
import { parseRules } from '../../rules/text.ts'
import { type Bpffs, mountBpffs } from '../../testing/bpffs.ts'
import { type FlowAnswer, watchFlows } from '../../testing/flow.ts'
import { createPair, type Pair } from '../../testing/pair.ts'
import { placeOf } from '../xdp/attach.ts'
import { attachPinnedXdp, detachPinnedXdp } from '../xdp/door.ts'
import { listPinned, openPinned } from '../xdp/pinned.ts'
import { applyRules } from '../xdp/rule-store.ts'

let pair: Pair
let bpffs: Bpffs
before(() => {
  bpffs = mountBpffs()
  pair = createPair()
})
after(() => {
  pair?.remove()
  bpffs?.remove()
})

const root = () => join(bpffs.folder, 'weir')
const target = () => ({ interface: 'far0', netns: pair.far.path, root: root() })

function dropAll(): void {
  const pinned = openPinned(placeOf(target()))
  try {
    const { rules } = parseRules('drop from 10.77.0.0/24')
    applyRules(pinned.maps, rules, { interface: 'far0', protect: true })
  } finally {
    pinned.close()
  }
}

for (const [mode, sums] of [
  ['generic', [20, 40]],
  ['native', [20]],
] as const) {
  test(`${mode}: packets that a rule drops are counted as that, over programs that come and go`, async () => {
    const watcher = await watchFlows(pair.far, { interfaces: ['far0'] })
    const counted = ({ counters }: FlowAnswer) => [counters['xdp_dropped'], counters['unseen']]
    /** When so many are counted: the kernel may take packets in a little after they were sent. */
    const afterSending = async (packets: number, dropped: number) => {
      pair.send(packets, 20)
      return until('what was dropped', async () => {
        const now = counted(await watcher.dump())
        return (now[0] ?? 0) >= dropped ? now : undefined
      })
    }
    try {
      assert.deepEqual(await afterSending(4, 0), [0, 0])
      for (const sum of sums) {
        await attachPinnedXdp(target(), mode)
        dropAll()
        assert.deepEqual(await afterSending(20, sum), [sum, 0])
        if (sum === 40) {
          // Beside the other watcher, which may have the one place of clsact.
          const besides = { interfaces: ['far0'], hook: 'socket-filter' } as const
          const late = await watchFlows(pair.far, besides)
          assert.deepEqual(counted(await late.dump()), [0, 0], 'what was dropped before is not its')
          await late.close()
        }
        await detachPinnedXdp(target())
        assert.deepEqual(await afterSending(5, sum), [sum, 0])
      }
    } finally {
      if (listPinned(root()).length > 0) await detachPinnedXdp(target())
      await watcher.close()
    }
  })
}
