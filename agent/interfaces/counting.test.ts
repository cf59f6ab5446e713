// Which rows of a conversation count: by hand, and random paths of packets through a host with bridge, bond and cables.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { fakeAgent } from '../tcp/fake.ts'
import { type FakePassage, fakeInterfaces } from './fake.ts'
import { packetsOf, pick, play } from './play.fake.ts'

const names = [
  ...['', 'lo', 'veth1', 'br0', 'eth0', 'eth1', 'bond0', 'slave0', 'slave1'],
  ...['out0', 'out1', 'port1'],
] as const
type Name = (typeof names)[number]
type Direction = FakePassage['direction']
const indexOf = (name: Name) => names.indexOf(name)

const host = fakeInterfaces(names, {
  lo: { peer: indexOf('lo') },
  veth1: { away: 0, bridge: indexOf('br0') },
  port1: { away: 1, bridge: indexOf('br0') },
  br0: { below: [indexOf('veth1'), indexOf('port1')] },
  bond0: { below: [indexOf('slave0'), indexOf('slave1')] },
  // Both ends of a router that is a container.
  out0: { away: 7 },
  out1: { away: 7 },
})

const here = ['192.0.2.1', 40_000] as const
const there = ['198.51.100.7', 443] as const
const ends = { out: { src: here, dst: there }, back: { src: there, dst: here } } as const
type Way = keyof typeof ends

interface Seen {
  readonly way?: Way
  readonly packets: number
  readonly first?: number
}

function at(name: Name, direction: Direction, { way = 'out', packets, first = 1 }: Seen) {
  const bytes = packets * 100
  return { ...ends[way], interface: indexOf(name), direction, packets, bytes, first }
}

const onHost = () => play({}, fakeAgent(), host)
const shown =
  (...fields: string[]) =>
  (row: Parameters<typeof pick>[0]) =>
    pick(row, ...fields)

test('a packet that passes several interfaces is in the row of each, and counts where it is seen first', () => {
  const step = onHost()
  const rows = step([
    at('eth0', 'FORWARD', { packets: 5, first: 3 }),
    at('br0', 'INGRESS', { packets: 5, first: 2 }),
    at('veth1', 'INGRESS', { packets: 5, first: 1 }),
  ])
  assert.deepEqual(rows.map(shown('interface', 'direction', 'packets', 'counted')), [
    ['veth1', 'received', 5, true],
    ['br0', 'received', 5, false],
    ['eth0', 'sent', 5, false],
  ])
  for (const row of rows) assert.deepEqual(row['path'], ['veth1', 'br0', 'eth0'])
})

test('a packet that is between two interfaces when an interval ends counts once', () => {
  const step = onHost()
  step([at('veth1', 'INGRESS', { packets: 5 }), at('eth0', 'FORWARD', { packets: 4 })])
  const late = step([at('eth0', 'FORWARD', { packets: 1 })])
  assert.deepEqual(late.map(shown('interface', 'packets', 'counted')), [['eth0', 1, false]])
  const more = [
    at('veth1', 'INGRESS', { packets: 4, first: 11 }),
    at('eth0', 'FORWARD', { packets: 6, first: 12 }),
  ]
  assert.deepEqual(step(more).map(shown('interface', 'packets', 'counted')), [
    ['veth1', 4, true],
    ['eth0', 6, false],
  ])
})

test('what comes back by another interface counts there', () => {
  const step = onHost()
  const rows = step([
    at('eth0', 'EGRESS', { packets: 5, first: 1 }),
    at('eth1', 'INGRESS', { way: 'back', packets: 6, first: 2 }),
  ])
  assert.deepEqual(rows.map(shown('interface', 'packets', 'reverse_packets', 'counted')), [
    ['eth0', 5, 0, true],
    ['eth1', 0, 6, true],
  ])
})

test('packets that alternate between two interfaces count at both', () => {
  const step = onHost()
  step([at('eth0', 'EGRESS', { packets: 3 })])
  const rows = step([
    at('eth0', 'EGRESS', { packets: 5, first: 1 }),
    at('eth1', 'EGRESS', { packets: 4, first: 2 }),
    at('eth0', 'INGRESS', { way: 'back', packets: 2, first: 3 }),
    at('eth1', 'INGRESS', { way: 'back', packets: 1, first: 4 }),
  ])
  assert.deepEqual(rows.map(shown('interface', 'packets', 'reverse_packets', 'counted')), [
    ['eth0', 5, 2, true],
    ['eth1', 4, 1, true],
  ])
})

test('a packet that an unwatched bridge gives to several ports counts once', () => {
  const step = onHost()
  const rows = step([
    at('veth1', 'EGRESS', { packets: 5, first: 1 }),
    at('port1', 'EGRESS', { packets: 5, first: 2 }),
  ])
  assert.equal(packetsOf(rows), 10)
  assert.equal(packetsOf(rows.filter((row) => row['counted'] === true)), 5)
})

type Path = readonly (readonly [Name, Direction])[]

/** Ways through the host by where a packet begins, each the places that it passes. */
const intoHost: readonly Path[] = [
  [['eth0', 'INGRESS']],
  [['eth1', 'INGRESS']],
  [
    ['slave0', 'INGRESS'],
    ['bond0', 'INGRESS'],
  ],
  [
    ['slave1', 'INGRESS'],
    ['bond0', 'INGRESS'],
  ],
]
const onward: readonly Path[] = [
  [],
  [
    ['br0', 'FORWARD'],
    ['veth1', 'FORWARD'],
  ],
  [['eth1', 'FORWARD']],
]
const [container] = [
  [
    ['veth1', 'INGRESS'],
    ['br0', 'INGRESS'],
  ] as Path,
]
const away: readonly Path[] = [
  [],
  [['eth0', 'FORWARD']],
  [['eth1', 'FORWARD']],
  [
    ['bond0', 'FORWARD'],
    ['slave0', 'FORWARD'],
  ],
  [
    ['bond0', 'FORWARD'],
    ['slave1', 'FORWARD'],
  ],
]
const origins: Readonly<Record<string, readonly Path[]>> = {
  local: [
    [['eth0', 'EGRESS']],
    [['eth1', 'EGRESS']],
    [
      ['bond0', 'EGRESS'],
      ['slave0', 'EGRESS'],
    ],
    [
      ['bond0', 'EGRESS'],
      ['slave1', 'EGRESS'],
    ],
    [
      ['br0', 'EGRESS'],
      ['veth1', 'EGRESS'],
    ],
  ],
  loopback: [
    [
      ['lo', 'EGRESS'],
      ['lo', 'INGRESS'],
    ],
  ],
  outside: intoHost.flatMap((path) => onward.map((rest) => [...path, ...rest])),
  container: away.map((rest) => [...(container as Path), ...rest]),
  throughRouter: [
    [
      ['eth0', 'INGRESS'],
      ['out0', 'FORWARD'],
      ['out1', 'INGRESS'],
      ['eth1', 'FORWARD'],
    ],
  ],
}

/** Packets of up to three paths with one origin, in each of four intervals. */
const anyTraffic = fc.constantFrom(...Object.values(origins)).chain((paths) =>
  fc.uniqueArray(
    fc.record({
      path: fc.constantFrom(...paths),
      packets: fc.array(fc.nat(9), { minLength: 4, maxLength: 4 }),
    }),
    { minLength: 1, maxLength: 3, selector: ({ path }) => path },
  ),
)

/** Of what lies side by side all or nothing is watched. */
const anyWatch = fc
  .record({ outer: fc.boolean(), bond: fc.boolean() })
  .chain(({ outer, bond }) =>
    fc
      .subarray<Name>(['lo', 'veth1', 'br0', 'out0'])
      .map((some) => [
        ...some,
        ...(some.includes('out0') ? (['out1'] as const) : []),
        ...(outer ? (['eth0', 'eth1', 'slave0', 'slave1'] as const) : []),
        ...(outer && bond ? (['bond0'] as const) : []),
      ]),
  )

interface Passing {
  readonly path: Path
  readonly packets: readonly number[]
}

/** What the watched interfaces see of some packets, and how many of those packets any of them sees. */
function seenOf(traffic: readonly Passing[], way: Way, interval: number, watched: readonly Name[]) {
  const seen = new Map<string, FakePassage>()
  let whole = 0
  for (const { path, packets } of traffic) {
    const count = packets[interval] as number
    const places = path.filter(([name]) => watched.includes(name))
    if (count === 0 || places.length === 0) continue
    whole += count
    for (const [step, [name, direction]] of path.entries()) {
      if (!watched.includes(name)) continue
      const key = `${name} ${direction}`
      const before = seen.get(key)?.packets ?? 0
      seen.set(key, at(name, direction, { way, packets: before + count, first: step + 1 }))
    }
  }
  return { passages: [...seen.values()], whole }
}

test('property: every interface has all that it carried, and each packet counts once', () => {
  fc.assert(
    fc.property(anyTraffic, anyTraffic, anyWatch, (out, back, watched) => {
      const step = onHost()
      for (let interval = 0; interval < 4; interval++) {
        const ways = [
          seenOf(out, 'out', interval, watched),
          seenOf(back, 'back', interval, watched),
        ]
        const passages = ways.flatMap((one) => one.passages)
        const rows = step(passages)
        for (const name of watched) {
          const carried = passages.filter((passage) => passage.interface === indexOf(name))
          const sum = carried.reduce((all, { packets }) => all + packets, 0)
          assert.equal(packetsOf(rows.filter((row) => row['interface'] === name)), sum)
        }
        const counted = packetsOf(rows.filter((row) => row['counted'] === true))
        assert.equal(
          counted,
          ways.reduce((all, { whole }) => all + whole, 0),
        )
      }
    }),
    { numRuns: 1000 },
  )
})
