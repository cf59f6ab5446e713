// The language of rule files: what is read, and where a mistake is said to be.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { compileRules } from './compile.ts'
import { formatRule, parseRules } from './text.ts'

const mistakes: readonly (readonly [text: string, place: string, reason: RegExp])[] = [
  ['drop from 10.0.0.0/8\npass frm any', '2:6', /unknown word frm/],
  ['allow from any', '1:1', /begins with pass, drop or limit/],
  ['drop from 10.0.0.0/33', '1:11', /from 0 to 32/],
  ['drop from 2001:db8::/129', '1:11', /from 0 to 128/],
  ['drop from 10.0.0', '1:11', /an address or a prefix/],
  ['drop from 10.0.0.1 to 2001:db8::1', '1:1', /different families/],
  ['drop from', '1:6', /from needs a value/],
  ['drop label 1 label 2', '1:14', /stands twice/],
  ['drop label 4294967296', '1:12', /0 to 4294967295/],
  ['drop proto icmp port 80', '1:1', /no ports/],
  ['drop port 90-80', '1:11', /a port or a range/],
  ['drop port 80-90-91', '1:11', /a port or a range/],
  ['drop proto tpc', '1:12', /tcp, udp/],
  ['limit', '1:1', /a rate behind limit/],
  ['limit 20', '1:7', /a rate behind limit/],
  ['drop ban 60s', '1:1', /ban belongs to limit/],
  ['limit 1pps ban soon', '1:16', /a time span/],
  ['drop interface a/b', '1:16', /name of an interface/],
  ['# all is well\n\n   drop  ttl x', '3:14', /a time span/],
]

for (const [text, place, reason] of mistakes) {
  test(`"${text.replaceAll('\n', ' | ')}" is refused at ${place}, and nothing of it is taken`, () => {
    const { rules, mistake } = parseRules(text)
    assert.deepEqual(rules, [])
    assert.equal(`${mistake?.line}:${mistake?.character}`, place)
    assert.match(mistake?.reason ?? '', reason)
  })
}

test('every word of the language is read, and written as it is read', () => {
  const lines = [
    'drop from 192.0.2.0/24 label 7',
    'pass from 10.0.0.0/8 to 10.1.0.0/16 proto tcp port 80-443 sport 1024-65535 priority 10',
    'limit 20pps proto icmp label 3 ban 60000ms',
    'limit 1000000Bps from 2001:db8::/32',
    'drop from ::/0 interface eth0.100 shadow ttl 3600000ms',
  ]
  const { rules, mistake } = parseRules(`${lines.join('\n')} # a comment\n`)
  assert.equal(mistake, undefined)
  assert.deepEqual(rules.map(formatRule), lines)
})

test('host bits are cleared, and the long form of an address is the short one', () => {
  const { rules } = parseRules('drop from 192.0.2.77/24\ndrop from 2001:DB8:0:0:0:0:0:1')
  assert.deepEqual(rules.map(formatRule), ['drop from 192.0.2.0/24', 'drop from 2001:db8::1/128'])
})

test('65 rules that can hold for one prefix are refused with the prefix', () => {
  const many = Array.from({ length: 65 }, (_, port) => `drop from 10.0.0.0/8 port ${port}`)
  assert.throws(() => compileRules(parseRules(many.join('\n')).rules, 'eth0'), {
    code: 'rules_too_many',
    message: /65 rules can hold for 10\.0\.0\.0\/8/,
  })
})

test('the same rule twice is refused', () => {
  const { rules } = parseRules('drop from 10.0.0.0/8\ndrop from 10.0.0.1/8')
  assert.throws(() => compileRules(rules, 'eth0'), { code: 'rule_twice' })
})
