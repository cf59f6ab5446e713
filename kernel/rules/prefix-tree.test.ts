// The walk of the program in plain words, against the longest of all prefixes that hold.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { compileRules } from './compile.ts'
import { prefixNodeBytes, prefixTree } from './prefix-tree.ts'
import { isWithin, type Rule } from './rule.ts'
import { parseRules } from './text.ts'

/** Index of the rule in the list that the walk ends with; -1 for none. */
function walk(tree: Uint8Array, address: Uint8Array): { rule: number; depth: number } {
  const view = Buffer.from(tree.buffer, tree.byteOffset, tree.length)
  for (let [node, depth] = [0, 1]; ; depth++) {
    const begin = node * prefixNodeBytes
    const isInside = address.every(
      (octet, at) => (octet & view[begin + 16 + at]!) === view[begin + at]!,
    )
    const ruleOf = (list: number) => (list === 0 ? -1 : list % (1 << 24))
    if (!isInside) return { rule: ruleOf(view.readUInt32LE(begin + 36)), depth }
    const way = (address[view[begin + 32]!]! >> view[begin + 33]!) & 15
    const slot = begin + 40 + way * 8
    node = view.readUInt32LE(slot)
    if (node === 0) return { rule: ruleOf(view.readUInt32LE(slot + 4)), depth }
  }
}

function longest(rules: readonly Rule[], address: Uint8Array): number {
  const all = rules.map((rule, index) => ({ index, bits: rule.source?.bits ?? 0, rule }))
  const held = all.filter(({ rule }) => rule.source === undefined || isWithin(address, rule.source))
  return held.toSorted((one, other) => other.bits - one.bits)[0]?.index ?? -1
}

const four = fc
  .tuple(fc.constantFrom(10, 11, 192), fc.nat(3), fc.nat(255), fc.nat(255), fc.nat(32))
  .map(([a, b, c, d, bits]) => `${a}.${b}.${c}.${d}/${bits}`)
const six = fc
  .tuple(fc.constantFrom('2001:db8', 'fd00:1'), fc.nat(0xffff), fc.nat(0xffff), fc.nat(128))
  .map(([head, one, two, bits]) => `${head}:${one.toString(16)}::${two.toString(16)}/${bits}`)

/** Unconditional rules with prefixes that differ: the list of a prefix is its rule alone. */
const ruleSets = fc.array(fc.oneof(four, six), { maxLength: 60 }).map((texts) => {
  const { rules } = parseRules(texts.map((text) => `drop from ${text}`).join('\n'))
  const plain = rules.filter(({ family, source }) => family === undefined && source)
  return [
    ...new Map(plain.map((rule) => [`${rule.source?.address} ${rule.source?.bits}`, rule])),
  ].map(([, rule]) => rule)
})

test('the walk ends at the longest prefix that holds', () => {
  fc.assert(
    fc.property(ruleSets, (set) => {
      const { rules, sources } = compileRules(set, 'eth0')
      const tree = prefixTree(sources)
      for (const { source } of rules) {
        for (let bit = 0; bit < 128; bit += 3) {
          const near = Uint8Array.from(source!.address)
          near[bit >> 3]! ^= 1 << (bit & 7)
          for (const address of [source!.address, near]) {
            assert.equal(walk(tree, address).rule, longest(rules, address))
          }
        }
      }
    }),
    { numRuns: 200 },
  )
})

test('20,000 prefixes are at most eight nodes deep, and an empty set is one node that says nothing', () => {
  const lines = Array.from({ length: 20_000 }, (_, at) => {
    const number = Math.imul(at, 2_654_435_761) >>> 0
    return `drop from ${[24, 16, 8, 0].map((shift) => (number >>> shift) & 255).join('.')}`
  })
  const { rules, sources } = compileRules(parseRules(lines.join('\n')).rules, 'eth0')
  const tree = prefixTree(sources)
  let deepest = 0
  for (const [index, { source }] of rules.entries()) {
    const { rule, depth } = walk(tree, source!.address)
    assert.equal(rule, index)
    deepest = Math.max(deepest, depth)
  }
  assert.ok(deepest <= 8, `${deepest} nodes`)
  assert.equal(prefixTree([]).length, prefixNodeBytes)
  assert.equal(walk(prefixTree([]), new Uint8Array(16)).rule, -1)
})
