import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { xdpLayout } from './pinned.ts'

/** By the number of the layout: what lies in pinned maps, without comments and spaces. */
const known = new Map([[1, '9233f52c511431d3']])

test('what lies in pinned maps changes with the number of their layout', () => {
  const text = ['xdp_record.h', 'xdp_maps.h']
    .map((name) => readFileSync(new URL(name, import.meta.url), 'utf8'))
    .join('')
    .replaceAll(/\/\*.*?\*\//gs, '')
    .replaceAll(/\s+/g, '')
  const hash = createHash('sha256').update(text).digest('hex').slice(0, 16)
  assert.equal(
    hash,
    known.get(xdpLayout),
    'Raise xdpLayout in pinned.ts if a pinned map holds something else now, and put this hash here.',
  )
})
