import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { parseAddress } from './address.ts'
import { matchRules } from './matcher.ts'
import { indexRules } from './prefix-index.ts'
import { inOrder } from './rule.ts'
import { parseRules } from './text.ts'

const addresses = fc.constantFrom('10.0.0.1', '10.0.128.7', '192.0.2.9', '2001:db8::1', 'fd00::9')
const lengths = fc.constantFrom(0, 1, 8, 17, 24, 32)
const prefixes = fc.tuple(addresses, lengths).map((parts) => parts.join('/'))
const lines = fc
  .record({
    from: fc.option(prefixes),
    to: fc.option(prefixes),
    proto: fc.option(fc.constantFrom('tcp', 'udp')),
    priority: fc.constantFrom(0, 0, 7),
    label: fc.nat(99),
  })
  .map(({ from, to, proto, priority, label }) =>
    [
      'pass',
      from && `from ${from}`,
      to && `to ${to}`,
      proto && `proto ${proto}`,
      `priority ${priority} label ${label}`,
    ]
      .filter((word) => word)
      .join(' '),
  )
  .filter((line) => parseRules(line).mistake === undefined)

test('property: the index finds the rule that the plain matcher finds', () => {
  const cases = fc.tuple(fc.array(lines, { maxLength: 25 }), addresses, addresses)
  fc.assert(
    fc.property(cases, ([texts, from, to]) => {
      const rules = inOrder(parseRules(texts.join('\n')).rules)
      const packet = {
        source: parseAddress(from)!,
        destination: parseAddress(to)!,
        protocol: 6,
        ports: { source: 1, destination: 2 },
      }
      const index = indexRules(rules.map((rule, rank) => ({ rule, rank })))
      const found = index.find(packet, () => true)
      assert.equal(found?.rule, matchRules(rules, packet).rule)
    }),
  )
})
