import assert from 'node:assert/strict'
import { test } from 'node:test'
import { placeInFilter } from './filter-place.ts'

test('the place of a mistake stands under the filter, also of a long one and behind wide characters', () => {
  const filter = `src_process = "${'é'.repeat(60)}" and dst_prot = 443`
  const [line = '', mark = ''] = placeInFilter({ filter, position: filter.indexOf('dst_prot') })
  assert.equal(line.indexOf('dst_prot'), mark.indexOf('^'))
  assert.ok(line.startsWith('  …') && line.length < 80)
  const wide = 'unit = 漢 and x'
  assert.equal(
    placeInFilter({ filter: wide, position: wide.indexOf('x') })[1],
    `${' '.repeat(16)}^`,
  )
  const hostile = placeInFilter({ filter: 'a\u001b[2J = 1', position: 5 })
  assert.ok(!hostile.join('').includes('\u001b'))
})

test('an error that is not of a filter has no place', () => {
  assert.deepEqual(placeInFilter({ position: 3 }), [])
  assert.deepEqual(placeInFilter({ filter: 'x' }), [])
})
