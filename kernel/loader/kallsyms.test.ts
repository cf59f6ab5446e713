// Names of addresses, from a list of symbols as the kernel prints it.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { namesOf, rangesOf } from './kallsyms.ts'

const text = Buffer.from(`ffffffff81000000 T _text
ffffffff81000200 t ip_rcv_core
ffffffff81000100 T tcp_v4_rcv
ffffffff81000180 d a_variable
ffffffff81000300 t skb_release_data.isra.0
ffffffff81000400 T kfree_skb_list
ffffffffc0000000 t nft_do_chain\t[nf_tables]
ffffffffc0000800 t last\t[nf_tables]
`)
const low = (address: bigint) => Number(address & 0xffff_ffff_ffffn)

test('an address has the nearest function below it, of a module too; lines need no order', () => {
  const addresses = [0xffffffff81000191n, 0xffffffff81000200n, 0xffffffffc0000010n].map(low)
  assert.deepEqual(
    [...namesOf(addresses, text).values()],
    ['tcp_v4_rcv+0x91', 'ip_rcv_core+0x0', 'nf_tables:nft_do_chain+0x10'],
  )
  assert.deepEqual([...namesOf([5], text)], [])
  assert.deepEqual([...namesOf(addresses, Buffer.alloc(0))], [])
})

test('a function lies up to the next one, whatever the compiler has added to its name', () => {
  assert.deepEqual(rangesOf(['skb_release_data', 'missing'], text), [
    { from: low(0xffffffff81000300n), to: low(0xffffffff81000400n) },
  ])
})
