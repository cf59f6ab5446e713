// What the kernel leaves out, the whole filter would have left out: random filters on random connections, whose ends
// know each other by translated addresses, belong to processes whose names differ from their comms, and drop packets
// both ways; and on random packets, whose ends may be known or not.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { begins, type Condition, type ConditionField, numberOctets } from '../../kernel/mod.ts'
import {
  appendRow,
  createBatch,
  eventTable,
  flowTable,
  ipProtocols,
  parseAddress,
  parseAgentFilter,
  type RowValues,
  rowTest,
} from '../../wire/mod.ts'
import { kernelConditions, pushDown } from './push-down.ts'

const addresses = ['10.1.0.1', '10.1.0.2', '10.2.0.1', '::1', '2001:db8::7'] as const
/** comm → what the rows call the process. */
const processes = {
  nginx: 'nginx',
  'postgres: main': 'postgres: main',
  bash: 'nginx',
  'python3.11': 'shop.py',
  MainThread: 'node',
  sshd: 'sshd',
} as const

const anAddress = fc.constantFrom(...addresses)
const aPort = fc.constantFrom(80, 443, 7001, 51000)
const anEnd = fc.record({
  local: anAddress,
  localPort: aPort,
  remote: anAddress,
  remotePort: aPort,
  netns: fc.constantFrom(7, 8),
  cgroup: fc.constantFrom(100n, 2n ** 40n),
  pid: fc.constantFrom(1, 2, 3),
  comm: fc.constantFrom(...(Object.keys(processes) as (keyof typeof processes)[])),
  ownerKnown: fc.boolean(),
})
type End = typeof anEnd extends fc.Arbitrary<infer T> ? T : never

/** At least one end is here. Each has its own view of the addresses: they may be translated in between. */
const aConnection = fc
  .record({ src: fc.option(anEnd, { nil: undefined }), dst: fc.option(anEnd, { nil: undefined }) })
  .filter(({ src, dst }) => src !== undefined || dst !== undefined)
type Connection = typeof aConnection extends fc.Arbitrary<infer T> ? T : never

const compared = fc.oneof(
  fc
    .constantFrom('port', 'src_port', 'dst_port')
    .chain((name) => valuesOf(name, ['80', '443', '7001', '0'])),
  fc
    .constantFrom('address', 'src_address', 'dst_address')
    .chain((name) =>
      valuesOf(name, ['10.1.0.1', '10.1.0.0/16', '10.0.0.0/8', '::1', '::/0', '0.0.0.0/0']),
    ),
  fc
    .constantFrom('process', 'src_process', 'dst_process')
    .chain((name) =>
      valuesOf(name, ['nginx', '"postgres: main"', 'shop.py', 'node', 'sshd', '""']),
    ),
  fc.constantFrom('pid', 'dst_pid').chain((name) => valuesOf(name, ['1', '2', '9', '0'])),
  fc
    .constantFrom('netns', 'src_netns', 'dst_netns')
    .chain((name) => valuesOf(name, ['7', '8', '99'])),
  fc
    .constantFrom('cgroup_id', 'src_cgroup_id')
    .chain((name) => valuesOf(name, ['100', '1099511627776'])),
  fc.constant('protocol').chain((name) => valuesOf(name, ['tcp', 'udp', 'icmp', 'sctp'])),
  fc.constantFrom('src_process ~ "^n"', 'node = here', 'src_uid = 5'),
)

function valuesOf(name: string, values: readonly string[]): fc.Arbitrary<string> {
  return fc
    .subarray([...values], { minLength: 1, maxLength: 2 })
    .map((some) => (some.length === 1 ? `${name} = ${some[0]}` : `${name} in (${some.join(', ')})`))
}

const { filter: aFilter } = fc.letrec<{ filter: string; part: string }>((tie) => ({
  part: fc.oneof(
    { weight: 6, arbitrary: compared },
    { weight: 1, arbitrary: tie('filter').map((inner) => `not (${inner})`) },
    { weight: 1, arbitrary: fc.tuple(tie('filter'), compared).map(([a, b]) => `(${a} or ${b})`) },
  ),
  filter: fc.array(tie('part'), { minLength: 1, maxLength: 3 }).map((parts) => parts.join(' and ')),
}))

test('no row of flows or events that the whole filter keeps is left out in the kernel', () => {
  let kept = 0
  let leftOut = 0
  fc.assert(
    fc.property(aFilter, aConnection, (text, connection) => {
      const filter = parseAgentFilter(text)
      const inKernel = passesInKernel(kernelConditions(filter).conditions, connection)
      if (!inKernel) leftOut++
      for (const [table, rows] of [
        [flowTable, [flowOf(connection)]],
        [eventTable, eventsOf(connection)],
      ] as const) {
        const batch = createBatch(table, rows.length)
        for (const row of rows) appendRow(batch, row)
        const passes = rowTest(table === flowTable ? filter.flows : filter.events, batch)
        for (let row = 0; row < batch.length; row++) {
          if (!passes(row)) continue
          kept++
          assert.ok(inKernel, `${text} keeps ${JSON.stringify(rows[row], bigAsText)}`)
        }
      }
    }),
    { numRuns: 1500, seed: 7 },
  )
  assert.ok(kept > 200 && leftOut > 200, `${kept} rows kept, ${leftOut} connections left out`)
})

test('no row of a packet that the whole filter keeps is left out in the kernel, and where all is pushed down the two are one', () => {
  let kept = 0
  let leftOut = 0
  let alike = 0
  fc.assert(
    fc.property(aFilter, aPacket, (text, packet) => {
      const filter = parseAgentFilter(text)
      const { packetConditions } = kernelConditions(filter)
      const inKernel = packetConditions.every(({ field, prefixes }) =>
        octetsOfPacket(packet, field).some((octets) =>
          prefixes.some((prefix) => begins(octets, prefix)),
        ),
      )
      if (!inKernel) leftOut++
      const batch = createBatch(eventTable, 1)
      appendRow(batch, packetRow(packet))
      const keeps = rowTest(filter.events, batch)(0)
      if (keeps) kept++
      if (keeps) assert.ok(inKernel, `${text} keeps ${JSON.stringify(packet, bigAsText)}`)
      const isWhole =
        pushDown(filter).every(({ drop }) => drop.condition) && !/(src|dst)_/.test(text)
      if (!isWhole) return
      alike++
      assert.equal(keeps, inKernel, text)
    }),
    { numRuns: 3000, seed: 7 },
  )
  assert.ok(kept > 200 && leftOut > 200 && alike > 100, `${kept} ${leftOut} ${alike}`)
})

const aPacket = fc.record({
  source: anAddress,
  destination: anAddress,
  sourcePort: fc.oneof(aPort, fc.constant(0)),
  destinationPort: aPort,
  netns: fc.constantFrom(0, 7, 8),
  protocol: fc.constantFrom(0, 1, 6, 17, 132, 253),
  src: fc.option(anEnd, { nil: undefined }),
  dst: fc.option(anEnd, { nil: undefined }),
})
type Packet = typeof aPacket extends fc.Arbitrary<infer T> ? T : never

function octetsOfPacket(packet: Packet, field: ConditionField): readonly Uint8Array[] {
  const { source, destination, sourcePort, destinationPort, netns, protocol } = packet
  switch (field) {
    case 'port':
      return [numberOctets(sourcePort), numberOctets(destinationPort)]
    case 'address':
      return [source, destination].map((one) => parseAddress(one) as Uint8Array)
    case 'netns':
      return [numberOctets(netns)]
    case 'protocol':
      return [numberOctets(protocol)]
    default:
      return assert.fail(`the kernel does not know ${field} of a packet`)
  }
}

/** As agent/events/drop-events.ts writes it. */
function packetRow(packet: Packet): Row {
  return {
    kind: 'drop',
    node: 'here',
    protocol: ipProtocols[packet.protocol] as string,
    src_address: packet.source,
    src_port: packet.sourcePort,
    dst_address: packet.destination,
    dst_port: packet.destinationPort,
    netns: packet.netns,
    ...ownerOf('src', packet.src),
    ...ownerOf('dst', packet.dst),
  }
}

test('a range of addresses is one prefix, and a single value all of its bits', () => {
  const { conditions: asked } = kernelConditions(
    parseAgentFilter('address in (10.1.0.0/16, ::1, ::/0, 0.0.0.0/0) and dst_pid = 7'),
  )
  assert.deepEqual(
    asked.map(({ field, prefixes }) => [field, prefixes.map(({ bits }) => bits)]),
    [
      ['address', [112, 128, 0, 96]],
      ['pid', [128]],
    ],
  )
})

test('without a filter nothing is given to the kernel', () => {
  assert.deepEqual(kernelConditions(undefined), { conditions: [], packetConditions: [] })
})

test('more values than the kernel has room for stay with the agent', () => {
  const list = Array.from({ length: 1025 }, (_, index) => index + 1).join(', ')
  const [ports, pid] = pushDown(parseAgentFilter(`port in (${list}) and pid = 1`))
  assert.match(ports?.socket.why ?? '', /room/)
  assert.match(ports?.drop.why ?? '', /room/)
  assert.equal(pid?.socket.why, '')
})

/** Both ends are reported, or neither: together they meet everything that the kernel was given. */
function passesInKernel(conditions: readonly Condition[], { src, dst }: Connection): boolean {
  return conditions.every(({ field, prefixes }) =>
    [src, dst].some(
      (end) =>
        end &&
        octetsOf(end, field).some((octets) => prefixes.some((prefix) => begins(octets, prefix))),
    ),
  )
}

/** As the record has them, in 16 octets. */
function octetsOf(end: End, field: ConditionField): readonly Uint8Array[] {
  switch (field) {
    case 'port':
      return [numberOctets(end.localPort), numberOctets(end.remotePort)]
    case 'address':
      return [parseAddress(end.local), parseAddress(end.remote)].map((one) => one as Uint8Array)
    case 'netns':
      return [numberOctets(end.netns)]
    case 'cgroup':
      return [numberOctets(end.cgroup)]
    case 'pid':
      return end.ownerKnown ? [numberOctets(end.pid)] : []
    case 'process': {
      // What an older kernel left behind the 0 of a shorter name is no part of it.
      const octets = new Uint8Array(16).fill(0x78)
      octets.set(Buffer.from(`${end.comm}\0`))
      return end.ownerKnown ? [octets] : []
    }
    case 'protocol':
      return assert.fail('every connection that the probe sees is TCP')
  }
}

type Row = RowValues

/** As agent/tcp/flow-rows.ts writes it: the addresses of the initiator's end if it is here. */
function flowOf({ src, dst }: Connection): Row {
  return {
    ...tupleOf(src, dst),
    ...ownerOf('src', src),
    ...ownerOf('dst', dst),
    protocol: 'tcp',
    node: 'here',
  }
}

function tupleOf(src: End | undefined, dst: End | undefined): Row {
  const near = src ?? (dst as End)
  const [local, remote] = [
    { address: near.local, port: near.localPort },
    { address: near.remote, port: near.remotePort },
  ]
  const [from, to] = src ? [local, remote] : [remote, local]
  return {
    src_address: from.address,
    src_port: from.port,
    dst_address: to.address,
    dst_port: to.port,
  }
}

function ownerOf(side: 'src' | 'dst', end: End | undefined): Row {
  if (!end) return {}
  const own = { [`${side}_netns`]: end.netns, [`${side}_cgroup_id`]: end.cgroup }
  if (!end.ownerKnown) return own
  return { ...own, [`${side}_pid`]: end.pid, [`${side}_process`]: processes[end.comm] }
}

/** What happened to each end, and a packet of each direction that was dropped anywhere, each with the tuple of an end. */
function eventsOf({ src, dst }: Connection): readonly Row[] {
  const common = { protocol: 'tcp', node: 'here' }
  const ofEnds = (['src', 'dst'] as const).flatMap((side) => {
    const end = side === 'src' ? src : dst
    if (!end) return []
    const tuple = side === 'src' ? tupleOf(end, undefined) : tupleOf(undefined, end)
    const happened = {
      ...common,
      ...tuple,
      kind: 'connection',
      netns: end.netns,
      ...ownerOf(side, end),
    }
    return [happened, ...dropsOf(end)]
  })
  return ofEnds.map((row) => ({ ...common, ...row }))
}

/** The packet's own source and destination, named by the socket that has them. */
function dropsOf(end: End): readonly Row[] {
  return [tupleOf(end, undefined), tupleOf(undefined, end)].map((tuple, index) => ({
    ...tuple,
    kind: 'drop',
    netns: 99,
    ...ownerOf(index === 0 ? 'src' : 'dst', end),
  }))
}

function bigAsText(_: string, value: unknown): unknown {
  return typeof value === 'bigint' ? String(value) : value
}
