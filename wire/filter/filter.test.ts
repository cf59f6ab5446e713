// The language as people write it: what holds for a row, and what is refused, where and with which guess.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { AppError } from '../../common/mod.ts'
import { fakeKinds, kindsTable } from '../frame/fake.ts'
import { appendRow, type RowValues } from '../model/append.ts'
import { createBatch } from '../model/columns.ts'
import { flowTable } from '../model/flow-fields.ts'
import { parseFilter } from './check.ts'
import { parseSyntax } from './parse.ts'
import { rowTest } from './predicate.ts'

const second = 1_000_000_000n
const nowNs = 1_795_271_530n * second
const context = { table: flowTable, nowNs }

const row: RowValues = {
  time: nowNs - 60n * second,
  start: null,
  node: 'vm-1',
  protocol: 'tcp',
  src_address: '10.1.2.3',
  src_port: 50_000,
  dst_address: '2001:db8::7',
  dst_port: 5432,
  bytes: 1500,
  rtt_ns: 5_000_000,
  retransmits: null,
  state: 'established',
  direction_known: true,
  connection_id: 18_446_744_073_709_551_615n,
  src_process: 'curl',
  dst_process: `it's "quoted" \\ and\nmore`,
  src_uid: 0,
}

function holds(text: string): boolean {
  const batch = createBatch(flowTable, 1)
  appendRow(batch, row)
  return rowTest(parseFilter(text, context), batch)(0)
}

const yes = [
  '',
  '   ',
  'dst_port = 5432',
  'dst_port=5432',
  'dst_port = 5432 and rtt > 4ms',
  'dst_port = 5432 rtt > 4ms',
  'DST_PORT = 1 or dst_port = 5432'.replace('DST_PORT', 'src_port'),
  'port = 5432',
  'port = 50k',
  'port in (1, 2, 5432)',
  'not port in (1, 2)',
  'port not in (1, 2)',
  'port != 443',
  'process = curl',
  'src_process = "curl"',
  "src_process = 'curl'",
  'process ~ "^cu.l$"',
  'process !~ ssh',
  'address = 10.0.0.0/8',
  'src_address = 10.1.2.3',
  'dst_address = 2001:db8::/32',
  'dst_address != 10.0.0.0/8',
  'rtt = 5ms',
  'rtt_ns = 5000000',
  'rtt >= 4.9ms and rtt < 1m',
  'bytes > 1k and bytes < 1.5Ki',
  'bytes >= 1.5kB',
  'direction_known',
  'direction_known = true',
  'not direction_known = false',
  'time > -5m and time < now',
  'time = 2026-11-21T14:31:10Z',
  'connection_id = 18446744073709551615',
  // Null compares false, and not of that is true.
  'not retransmits > 0',
  'not retransmits <= 0',
  'retransmits != 7',
  'not start < now',
  'uid = 0',
  '(src_port = 1 or src_port = 50000) and not (dst_port = 1)',
  'not not dst_port = 5432',
  'src_port = 1 or dst_port = 5432 and node = vm-1',
  `dst_process = "it's \\"quoted\\" \\\\ and\\nmore"`,
  'dst_process ~ "quoted.*more"',
  'state in (established, syn_sent)',
]

const no = [
  'dst_port = 5433',
  'dst_port != 5432',
  'port != 50000',
  'process = CURL',
  'process ~ ^url',
  'address = 11.0.0.0/8',
  'address = 0.0.0.0/0 and dst_address = 0.0.0.0/0',
  'rtt > 5ms',
  'retransmits > 0',
  'retransmits = 0',
  'start < now',
  'start > 1970-01-01T00:00:00Z',
  'dst_uid = 0',
  'time > -30s',
  'connection_id = 1',
  '(src_port = 1 or dst_port = 5432) and node = other',
  'src_namespace = shop',
]

test('filters that hold for a row', () => {
  for (const text of yes) assert.equal(holds(text), true, text)
})

test('filters that do not hold', () => {
  for (const text of no) assert.equal(holds(text), false, text)
})

/** Text, position, part of what is said, suggestion. */
const wrong: readonly (readonly [string, number, RegExp, string?])[] = [
  ['dst_prot = 5432', 0, /"dst_prot" is no field/, 'dst_port'],
  ['node = a and sport = 5', 13, /"sport" is no field/],
  ['dst_port = ', 11, /a value is expected at the end/],
  ['dst_port', 8, /an operator and a value are expected/],
  ['dst_port = 5432 or', 18, /a field is expected at the end/],
  ['(dst_port = 5432', 0, /not closed/],
  ['dst_port = 5432)', 15, /nothing fits before "\)"/],
  ['dst_port in 5', 12, /"\(" is expected/],
  ['dst_port in (5 6)', 15, /"," or "\)" is expected/],
  ['dst_port not 5', 13, /"in" is expected/],
  ['dst_port = 70000', 11, /above 65535/],
  ['dst_port = http', 11, /no whole number/],
  ['src_process = "curl', 14, /no closing quote/],
  ['rtt > 5', 6, /5 has no unit/, '5ms'],
  ['rtt > fast', 6, /no number of ns/],
  ['rtt > 5MB', 6, /no number of ns/],
  ['bytes > 0.3', 8, /no number of bytes/],
  ['bytes > 5ms', 8, /no number of bytes/],
  ['address = 10.0.0.0/33', 10, /prefix/],
  ['address < 10.0.0.1', 10, /has no order/],
  ['node > a', 7, /has no order/],
  ['dst_port ~ 54', 11, /no text/],
  ['process ~ "(a"', 10, /no regular expression/],
  ['process ~ "(a)\\\\1"', 10, /no regular expression/],
  ['state = estab', 8, /not known/],
  ['state = ESTABLISHED', 8, /not known/, 'established'],
  ['src_process = ngin*', 14, /compared whole/],
  ['protocol = UDP', 11, /not known/],
  ['direction_known = yes', 18, /neither true nor false/],
  ['time > yesterday', 7, /no time/],
  ['; drop', 0, /no field/],
]

test('mistakes are said with their place and what was meant', () => {
  for (const [text, position, what, suggestion] of wrong) {
    assert.throws(
      () => parseFilter(text, context),
      (error) => {
        assert.ok(error instanceof AppError && error.code === 'bad_filter', text)
        assert.equal(error.details['position'], position, text)
        assert.match(String(error.details['what']), what, text)
        if (suggestion !== undefined) assert.equal(error.details['suggestion'], suggestion, text)
        return true
      },
    )
  }
})

test('lists hold one of their texts; texts that differ in every row compare as names do', () => {
  const batch = fakeKinds()
  const rows = (text: string) => {
    const passes = rowTest(parseFilter(text, { table: kindsTable, nowNs }), batch)
    return Array.from({ length: batch.length }, (_, at) => at).filter(passes)
  }
  assert.deepEqual(rows('tags = only'), [2])
  assert.deepEqual(rows('tags in (x, only)'), [0, 2])
  assert.deepEqual(rows('tags ~ "^x"'), [0])
  assert.deepEqual(rows('not tags ~ "."'), [1])
  assert.deepEqual(rows('note = one'), [0])
  assert.deepEqual(rows('comment ~ ""'), [1, 2])
  assert.throws(() => rows('sample = AA'), { code: 'bad_filter' })
})

test('property: any text is a filter or a mistake with a place inside it', () => {
  const words = fc.constantFrom(
    ...'and or not in ( ) , = != < ~ dst_port rtt "a b" 5ms \\ \' "'.split(' '),
  )
  const text = fc.oneof(
    fc.string(),
    fc.array(words, { maxLength: 30 }).map((all) => all.join(' ')),
  )
  fc.assert(
    fc.property(text, (filter) => {
      try {
        parseFilter(filter, context)
      } catch (error) {
        assert.ok(error instanceof AppError && error.code === 'bad_filter')
        const position = Number(error.details['position'])
        assert.ok(position >= 0 && position <= filter.length)
      }
    }),
    { numRuns: 2000 },
  )
})

test('a filter nested without end is refused, not a stack overflow', () => {
  assert.throws(() => parseSyntax('('.repeat(4000)), { code: 'bad_filter' })
  assert.throws(() => parseSyntax('not '.repeat(2000)), { code: 'bad_filter' })
  assert.throws(() => parseSyntax('x'.repeat(10_000)), { code: 'bad_filter' })
})
