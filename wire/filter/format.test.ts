// What is written of a filter is read as the same filter.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { anyText } from '../../common/any-text.fake.ts'
import { flowTable } from '../model/flow-fields.ts'
import { parseFilter } from './check.ts'
import { equality } from './equality.ts'
import { formatFilter } from './format.ts'

const context = { table: flowTable, nowNs: 1_795_271_530_123_456_789n }
const again = (text: string) => formatFilter(parseFilter(text, context))

test('a filter as text gives the same tree, whatever joints and values it has', () => {
  for (const text of [
    'dst_port = 5432 and rtt > 5ms',
    'not (port in (1, 2) or process ~ "^a.b$" and node = "a b")',
    'not not direction_known',
    'address = 10.1.0.0/17 or src_address = 2001:db8::/33 or address in (192.0.2.1, ::1)',
    'src_address = ::/0 or src_address = 0.0.0.0/0',
    'time > -15m and start <= now',
    'connection_id = 18446744073709551615',
    '',
  ]) {
    const filter = parseFilter(text, context)
    assert.deepEqual(parseFilter(formatFilter(filter), context), filter, text)
  }
  assert.equal(again('port=1'), 'port = 1')
})

test('any text between quotes comes back as it was', () => {
  const field = flowTable.fields.find(({ name }) => name === 'src_process')
  assert.ok(field)
  fc.assert(
    fc.property(anyText, (text) => {
      const filter = equality([field], [text], 0n)
      assert.deepEqual(parseFilter(formatFilter(filter), context), filter)
    }),
  )
})
