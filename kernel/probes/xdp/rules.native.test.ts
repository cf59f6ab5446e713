// The program in the kernel against the plain matcher: random rule sets, random packets, one run each. Verdict, label
// and counters must be the same.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import fc from 'fast-check'
import { createMapEntries } from '../../loader/map-batch.ts'
import type { LoadedMap } from '../../loader/maps.ts'
import type { LoadedObject } from '../../loader/object.ts'
import { openInner } from '../../loader/own-map.ts'
import type { TestRun } from '../../loader/test-run.ts'
import { parseAddress } from '../../rules/address.ts'
import { compileRules, ruleKey } from '../../rules/compile.ts'
import { type MatchedPacket, matchRules } from '../../rules/matcher.ts'
import { inOrder, type Rule } from '../../rules/rule.ts'
import { formatRule, parseRules } from '../../rules/text.ts'
import {
  fillGeneration,
  type GenerationMaps,
  keyOf,
  readGeneration,
  treesOf,
  writeState,
} from './generation.ts'
import { loadXdpObject } from './object.ts'

let object: LoadedObject
let maps: GenerationMaps
let program: TestRun
let trees = 0
before(() => {
  object = loadXdpObject()
  const names = ['state', 'sources', 'destinations', 'lists', 'rules', 'counts'] as const
  maps = Object.fromEntries(
    names.map((name) => [name, object.map(name)]),
  ) as unknown as GenerationMaps
  program = object.testRun('weir_xdp', { inputBytesMax: 512, outputBytesMax: 0, contextBytes: 0 })
})
after(() => object?.close())

const [dropped, passed] = [1, 2]

/** Other ones in each run. Fewer in an emulated machine, where each takes ten times as long; more by WEIR_RULE_SETS. */
const ruleSetCount = Number(process.env['WEIR_RULE_SETS'] ?? 1000)

function load(rules: readonly Rule[], number: 0 | 1, protect = false): void {
  const compiled = compileRules(rules, 'eth0')
  fillGeneration(maps, number, { compiled, nowNs: 0n, carried: new Map() })
  trees = treesOf(trees, number, compiled)
  const state = { deadlineNs: 0n, active: number, fallback: 2, protect, epoch: 0, trees }
  writeState(maps, state)
}

function counted(number: 0 | 1): ReadonlyMap<string, readonly number[]> {
  const [rules, counts] = [maps.rules, maps.counts].map((outer) => openInner(outer, keyOf(number)))
  const loaded = readGeneration(rules!, counts!, 'eth0')
  for (const inner of [rules, counts]) inner?.close()
  return new Map(
    loaded
      .filter(({ counts: { packets } }) => packets > 0)
      .map(({ rule, counts }) => [
        ruleKey(rule),
        [counts.packets, counts.bytes, counts.droppedPackets, counts.droppedBytes],
      ]),
  )
}

interface Sent extends MatchedPacket {
  readonly six: boolean
}

/** Ethernet, IPv4 or IPv6, eight octets of the upper header. */
function frameOf({ six, source, destination, protocol, ports }: Sent): Uint8Array {
  const upper = six ? 54 : 34
  const frame = Buffer.alloc(upper + 20)
  frame.writeUInt16BE(six ? 0x86dd : 0x0800, 12)
  if (six) {
    frame.writeUInt8(0x60, 14)
    frame.writeUInt16BE(20, 18)
    frame.writeUInt8(protocol, 20)
    frame.set(source, 22)
    frame.set(destination, 38)
  } else {
    frame.writeUInt8(0x45, 14)
    frame.writeUInt16BE(40, 16)
    frame.writeUInt8(protocol, 23)
    frame.set(source.subarray(12), 26)
    frame.set(destination.subarray(12), 30)
  }
  frame.writeUInt16BE(ports?.source ?? 0, upper)
  frame.writeUInt16BE(ports?.destination ?? 0, upper + 2)
  if (protocol === 6) frame.writeUInt8(0x50, upper + 12)
  if (protocol === 17) frame.writeUInt16BE(20, upper + 4)
  return frame
}

/** Few values, so that rules and packets meet. */
const four = fc.constantFrom('10.0.0.1', '10.0.0.2', '10.0.128.7', '10.1.2.3', '192.0.2.9')
const six = fc.constantFrom('2001:db8::1', '2001:db8::2', '2001:db8:1::1', 'fd00::9')
const ports = fc.constantFrom(1, 53, 80, 443, 8080, 65_535)
const prefixes = fc.oneof(
  fc.tuple(four, fc.constantFrom(0, 1, 8, 9, 16, 17, 24, 31, 32)),
  fc.tuple(six, fc.constantFrom(0, 1, 32, 48, 64, 127, 128)),
)

const ruleTexts = fc
  .record({
    action: fc.constantFrom('pass', 'drop', 'drop', 'limit 1pps'),
    from: fc.option(prefixes),
    to: fc.option(prefixes, { freq: 2 }),
    proto: fc.option(fc.constantFrom('tcp', 'udp', 'icmp', 'icmpv6', 'sctp', '47')),
    port: fc.option(fc.tuple(ports, ports), { freq: 2 }),
    sport: fc.option(ports, { freq: 1 }),
    interface: fc.option(fc.constantFrom('eth0', 'eth1'), { freq: 1 }),
    label: fc.nat(9),
    priority: fc.constantFrom(0, 0, 0, 5, 65_535),
    shadow: fc.boolean(),
  })
  .map((made) => {
    const range = made.port?.toSorted((one, other) => one - other)
    const words = [
      made.action,
      made.from && `from ${made.from.join('/')}`,
      made.to && `to ${made.to.join('/')}`,
      made.proto && `proto ${made.proto}`,
      range && `port ${range.join('-')}`,
      made.sport && `sport ${made.sport}`,
      made.interface && `interface ${made.interface}`,
      `label ${made.label} priority ${made.priority}`,
      made.shadow && 'shadow',
    ]
    return words.filter((word) => word).join(' ')
  })
  .filter((text) => parseRules(text).mistake === undefined)

const ruleSets = fc
  .array(ruleTexts, { maxLength: 30 })
  .map((lines) => [
    ...new Map(lines.map((line) => [ruleKey(parseRules(line).rules[0]!), line])).values(),
  ])

const packets = fc
  .record({
    pair: fc.oneof(fc.tuple(four, four), fc.tuple(six, six)),
    protocol: fc.constantFrom(1, 6, 17, 47, 58, 132),
    source: ports,
    destination: ports,
  })
  .map(({ pair, protocol, ...both }): Sent => {
    const [source, destination] = pair.map((text) => parseAddress(text)!) as [
      Uint8Array,
      Uint8Array,
    ]
    const has = [6, 17, 132].includes(protocol)
    return {
      six: pair[0].includes(':'),
      source,
      destination,
      protocol,
      ...(has && { ports: both }),
    }
  })

/** What the plain matcher says of packets in their order, and what rules count; a limit is one packet per source. */
function expected(rules: readonly Rule[], sent: readonly Sent[]) {
  const ordered = inOrder(rules.filter((rule) => (rule.interface ?? 'eth0') === 'eth0'))
  const counts = new Map<string, number[]>()
  const used = new Set<string>()
  const drops = (rule: Rule, { source }: Sent): boolean => {
    if (rule.action !== 'limit') return rule.action === 'drop'
    const key = `${ruleKey(rule)} ${source}`
    const exceeded = used.has(key)
    used.add(key)
    return exceeded
  }
  const verdicts = sent.map((packet) => {
    const bytes = packet.six ? 60 : 40
    const { rule, shadow } = matchRules(ordered, packet)
    let verdict = passed
    for (const each of [shadow, rule]) {
      if (each === undefined) continue
      const drop = drops(each, packet)
      const sums = counts.get(ruleKey(each)) ?? [0, 0, 0, 0]
      const more = [1, bytes, ...(drop ? [1, bytes] : [0, 0])]
      counts.set(
        ruleKey(each),
        sums.map((sum, at) => sum + more[at]!),
      )
      if (drop && !each.shadow) verdict = dropped
    }
    return verdict
  })
  return { verdicts, counts }
}

test('1,000 random rule sets: verdicts and counters are those of the plain matcher', () => {
  let [number, sets, met, drops] = [0, 0, 0, 0]
  const limits = object.map('limits')
  fc.assert(
    fc.property(ruleSets, fc.array(packets, { minLength: 1, maxLength: 20 }), (lines, sent) => {
      const { rules, mistake } = parseRules(lines.join('\n'))
      assert.equal(mistake, undefined)
      number = 1 - number
      load(rules, number as 0 | 1)
      emptyLimits(limits)
      const begun = performance.now()
      const verdicts = sent.map((packet) => program.run(frameOf(packet)).returnValue)
      // A bucket of one packet per second fills again on a machine that stands still.
      if (performance.now() - begun > 900) return
      const wanted = expected(rules, sent)
      assert.deepEqual(verdicts, wanted.verdicts)
      assert.deepEqual(counted(number as 0 | 1), wanted.counts)
      sets++
      met += wanted.counts.size
      drops += wanted.verdicts.filter((verdict) => verdict === dropped).length
    }),
    { numRuns: ruleSetCount },
  )
  assert.ok(sets > 0 && met > 0 && drops > 0, `${sets} sets, ${met} rules met, ${drops} drops`)
})

/** Each set begins with full buckets. */
function emptyLimits(limits: LoadedMap): void {
  const all = createMapEntries()
  limits.read(all)
  for (let at = 0; at < all.count; at++) {
    limits.delete(all.keys.slice(at * limits.keyBytes, (at + 1) * limits.keyBytes))
  }
}

test('a rule text is the same after it was written and read', () => {
  fc.assert(
    fc.property(ruleTexts, (text) => {
      const [rule] = parseRules(text).rules
      assert.deepEqual(parseRules(formatRule(rule!)).rules, [rule])
    }),
  )
})

test('a packet between two generations sees one of them', () => {
  load(parseRules('drop from 10.0.0.0/8').rules, 0)
  load(parseRules('pass from 10.0.0.0/8').rules, 1)
  const source = parseAddress('10.0.0.1')!
  const frame = frameOf({
    six: false,
    source,
    destination: source,
    protocol: 17,
    ports: { source: 1, destination: 2 },
  })
  for (let turn = 0; turn < 100; turn++) {
    const active = turn % 2
    writeState(maps, { deadlineNs: 0n, active, fallback: 2, protect: false, epoch: 0, trees })
    assert.equal(program.run(frame).returnValue, active === 0 ? dropped : passed)
  }
})
