// Each reason that two namespaces can be made to give: the reason, the tuple, and as many packets as somebody else
// counted. A reason that the running kernel does not name is skipped.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { besideProcessOne } from '../../../common/process-one.fake.ts'
import { dropKind } from '../../mod.ts'
import { type DropRecord, hasReason } from '../../testing/drop-record.ts'
import { dropsOf, kernelCounter, runPython, sumOf } from '../../testing/drops.ts'
import { kernelAtLeast } from '../../testing/features.ts'
import { createPair, type Pair } from '../../testing/pair.ts'
import type { Provoked } from '../../testing/provoked.ts'
import { headerDrops, queueDrops, routeDrops } from '../../testing/provoked-ip.ts'
import { ip6Drops } from '../../testing/provoked-ip6.ts'
import { deviceDrops, programDrops } from '../../testing/provoked-program.ts'
import { signatureDrops, tcpDrops, udpDrops } from '../../testing/provoked-socket.ts'

const all = [
  ...headerDrops,
  ...routeDrops,
  ...queueDrops,
  ...udpDrops,
  ...tcpDrops,
  ...signatureDrops,
  ...ip6Drops,
  ...programDrops,
  ...deviceDrops,
]

for (const provoked of all) {
  const { reason, way, since = [6, 18] } = provoked
  test(`${reason}${way ? `, ${way}` : ''}: its tuple, as often as it happened`, async (t) => {
    if (!hasReason(reason)) return t.skip(`this kernel has no reason ${reason}`)
    if (!kernelAtLeast(...since))
      return t.skip(`what kernels before ${since.join('.')} give here is not known`)
    await besideProcessOne(() => {
      const pair = createPair()
      try {
        check(provoked, pair)
      } finally {
        pair.remove()
      }
    })
  })
}

/** Other packets of the namespace are dropped too: where it has IPv6, multicast of its own. */
function check({ reason, side, by, says, counter }: Provoked, pair: Pair): void {
  const isOurs = (record: DropRecord) =>
    record.reason === reason &&
    record.kind === dropKind.PACKET &&
    record.protocol === (says.protocol ?? 0) &&
    (record.protocol !== 58 || record.source === says.source) &&
    record.link_protocol === (says.link_protocol ?? 0)
  const before = counter ? kernelCounter(pair[side], counter) : 0
  let expected = 0
  // Of one side alone: what others drop meanwhile may fill the table.
  const { records, counters } = dropsOf(
    { netns: pair[side].inode },
    () => {
      expected = Number(runPython(pair, by))
    },
    (seen) => {
      // A frame that was put on the cable is dropped a moment later, perhaps on another CPU.
      if (counter) expected = kernelCounter(pair[side], counter) - before
      return expected > 0 && sumOf(seen.filter(isOurs), 'count') === expected
    },
  )
  const ours = records.filter(isOurs)
  const seen = JSON.stringify([records.map(brief), counters])
  assert.ok(expected > 0, `nobody else counted: ${seen}`)
  assert.equal(sumOf(ours, 'count'), expected, seen)
  const octets = (says.packet_bytes ?? ours[0]?.packet_bytes ?? 0) * expected
  assert.equal(sumOf(ours, 'bytes'), octets)
  for (const record of ours) {
    const members = Object.keys(says) as (keyof DropRecord)[]
    assert.deepEqual(Object.fromEntries(members.map((name) => [name, record[name]])), says)
  }
}

const brief = ({ reason, source, destination, protocol, link_protocol, count }: DropRecord) =>
  `${reason} ${source} ${destination} ${protocol || link_protocol} ${count}`

/** What the kernel answers or refuses without calling it a drop: its own counter is all that says so. */
const notDrops: readonly {
  readonly what: string
  readonly by: readonly string[]
  readonly counter: string
}[] = [
  {
    what: 'SYNs that are answered with cookies',
    by: [
      'with inside_far(): settings(tcp_syncookies=2)',
      'r = far_socket(socket.SOCK_STREAM, 5002); r.listen(8)',
      'for port in range(20000, 20050): put(ethernet(ipv4(tcp(port, 5002, SYN), 6)))',
    ],
    counter: 'TcpExt.SyncookiesSent',
  },
  {
    what: 'SYNs that a full queue of connections refuses',
    by: [
      'r = far_socket(socket.SOCK_STREAM, 5002); r.listen(0)',
      'first = socket.socket(); first.connect((FAR, 5002))',
      'for port in range(20000, 20005): put(ethernet(ipv4(tcp(port, 5002, SYN), 6)))',
    ],
    counter: 'TcpExt.ListenOverflows',
  },
]

for (const { what, by, counter } of notDrops) {
  test(`${what} are no drops to the kernel`, () => {
    const pair = createPair()
    try {
      const before = kernelCounter(pair.far, counter)
      const { records } = dropsOf({ netns: pair.far.inode }, () => void runPython(pair, by))
      assert.ok(kernelCounter(pair.far, counter) > before)
      const isSyn = ({ kind, tcp_flags: flags }: DropRecord) =>
        kind === dropKind.PACKET && flags === 2
      assert.deepEqual(records.filter(isSyn).map(brief), [])
    } finally {
      pair.remove()
    }
  })
}
