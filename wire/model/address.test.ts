import assert from 'node:assert/strict'
import { BlockList } from 'node:net'
import { test } from 'node:test'
import fc from 'fast-check'
import { formatAddress, parseAddress, parseAddressRange } from './address.ts'

test('text forms (RFC 5952 §4, RFC 4291 §2.5.5)', () => {
  const table: readonly [string, string][] = [
    ['192.0.2.1', '192.0.2.1'],
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['::', '::'],
    ['::1', '::1'],
    ['2001:0DB8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
    ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
    ['2001:db8:0:0:0:0:2:1', '2001:db8::2:1'],
    ['fe80:0:0:0:0:0:0:0', 'fe80::'],
    ['64:ff9b::192.0.2.33', '64:ff9b::c000:221'],
  ]
  for (const [text, canonical] of table) {
    const octets = parseAddress(text)
    assert.ok(octets, text)
    assert.equal(formatAddress(octets), canonical)
  }
})

test('what is no address is refused', () => {
  for (const text of [
    '',
    '1.2.3',
    '1.2.3.256',
    'fe80::1%eth0',
    'g::1',
    '1:2',
    ':::',
    'localhost',
  ]) {
    assert.equal(parseAddress(text), undefined, text)
  }
})

test("any address keeps its meaning, by Node's own parser", () => {
  fc.assert(
    fc.property(fc.oneof(fc.ipV4(), fc.ipV6()), (text) => {
      const octets = parseAddress(text) as Uint8Array
      const shown = formatAddress(octets)
      const list = new BlockList()
      list.addAddress(text, text.includes(':') ? 'ipv6' : 'ipv4')
      assert.ok(list.check(shown, shown.includes(':') ? 'ipv6' : 'ipv4'), `${text} → ${shown}`)
      assert.deepEqual(parseAddress(shown), octets)
    }),
  )
})

test('ranges of prefixes: host bits are ignored, an IPv4 prefix stays among IPv4 addresses', () => {
  for (const [text, first, last] of [
    ['10.0.0.1', '10.0.0.1', '10.0.0.1'],
    ['2001:DB8::0:1', '2001:db8::1', '2001:db8::1'],
    ['10.1.2.3/8', '10.0.0.0', '10.255.255.255'],
    ['10.1.2.3/32', '10.1.2.3', '10.1.2.3'],
    ['0.0.0.0/0', '0.0.0.0', '255.255.255.255'],
    ['2001:db8::1/33', '2001:db8::', '2001:db8:7fff:ffff:ffff:ffff:ffff:ffff'],
    ['::/0', '::', 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff'],
  ] as const) {
    assert.deepEqual(
      parseAddressRange(text),
      { first: parseAddress(first), last: parseAddress(last) },
      text,
    )
  }
  for (const text of ['10.0.0.0/33', '2001:db8::/129', '10.0.0.0/8/8', 'fe80::1%eth0', '']) {
    assert.equal(parseAddressRange(text), undefined, text)
  }
})
