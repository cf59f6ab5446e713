// Names of addresses, from a list of symbols as the kernel prints it.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { namesOf, rangesOf } from './kallsyms.ts'

const text = `ffffffff81000000 T _text
ffffffff81000200 t ip_rcv_core
ffffffff81000100 T tcp_v4_rcv
ffffffff81000180 d a_variable
ffffffff81000300 t skb_release_data.isra.0
ffffffff81000400 T kfree_skb_list
ffffffffc0000000 t nft_do_chain\t[nf_tables]
ffffffffc0000800 t last\t[nf_tables]
`
/** In one piece, and in pieces of a line each. */
const pieces = [[Buffer.from(text)], text.match(/.+\n/g)?.map((line) => Buffer.from(line)) ?? []]
const low = (address: bigint) => Number(address & 0xffff_ffff_ffffn)

test('an address has the nearest function below it, of a module too; lines need no order', () => {
  const addresses = [0xffffffff81000191n, 0xffffffff81000200n, 0xffffffffc0000010n].map(low)
  for (const list of pieces) {
    assert.deepEqual(
      [...namesOf(addresses, list).values()],
      ['tcp_v4_rcv+0x91', 'ip_rcv_core+0x0', 'nf_tables:nft_do_chain+0x10'],
    )
    assert.deepEqual([...namesOf([5], list)], [])
  }
  assert.deepEqual([...namesOf(addresses, [])], [])
})

test('a function lies up to the next one, whatever the compiler has added to its name', () => {
  for (const list of pieces) {
    assert.deepEqual(rangesOf(['skb_release_data', 'skb_release', 'nft_do_chain'], list), [
      { from: low(0xffffffff81000300n), to: low(0xffffffff81000400n) },
    ])
  }
})

test('addresses that the kernel hides name nothing', () => {
  const hidden = [Buffer.from(text.replaceAll(/^[0-9a-f]{16}/gm, '0'.repeat(16)))]
  assert.deepEqual([...namesOf([0xffff81000191], hidden)], [])
  assert.deepEqual(rangesOf(['kfree_skb_list'], hidden), [])
})

test('each look at the symbols left 10 MB of them in memory', { skip: noSymbols() }, () => {
  const [some] = namesOf([0xffff_ffff_ffff]).values()
  assert.match(some ?? '', /^.+\+0x/)
  const before = process.memoryUsage().arrayBuffers
  for (let look = 0; look < 5; look++) namesOf([0xffff_ffff_ffff])
  const grown = process.memoryUsage().arrayBuffers - before
  assert.ok(grown < 2_000_000, `${grown} octets of buffers more`)
})

function noSymbols(): string | false {
  return namesOf([0xffff_ffff_ffff]).size === 0 && 'the kernel shows no addresses here'
}
