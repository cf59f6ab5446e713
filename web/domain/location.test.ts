/// <reference types="node" />
import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  apiQuery,
  defaults,
  filterText,
  formatLocation,
  type PageState,
  parseLocation,
  pinned,
  rangeOf,
  viewOf,
  withFilters,
  withoutFilter,
  withoutValues,
  withView,
  written,
} from './location.ts'

const now = Date.UTC(2026, 7, 21, 15)

const state: PageState = {
  page: 'flows',
  from: '-1h',
  to: '-5m',
  order: '-bytes',
  filters: [
    { field: 'src_process', value: 'a&b=c "d"' },
    { field: 'dst_port', value: '5432' },
    { field: 'dst_port', value: '6379' },
  ],
  filter: 'rtt > 5ms and not src_process = "a b"',
  fold: 'none',
  kind: 'drop',
  group: 'none',
  select: '17446744073709551615',
  zone: 'utc',
}

test('a state survives the URL', () => {
  assert.deepEqual(parseLocation(formatLocation(state)), state)
})

test('defaults make no query', () => {
  assert.equal(formatLocation(defaults), '/')
  assert.deepEqual(parseLocation('/'), defaults)
  assert.deepEqual(parseLocation('/?from=&tz=mars'), defaults)
})

test('a filter on no name survives the URL: a reload of an edge without a process is the same edge', () => {
  const nobody = { ...defaults, filters: [{ field: 'dst_process', value: '' }] }
  assert.equal(formatLocation(nobody), '/?dst_process=')
  assert.deepEqual(parseLocation('/?dst_process='), nobody)
})

test('the path is the page, and each page keeps the query', () => {
  assert.equal(formatLocation({ ...defaults, page: 'nodes', from: '-1h' }), '/nodes?from=-1h')
  assert.equal(parseLocation('/flows?dst_port=80').page, 'flows')
  assert.equal(parseLocation('/flow').page, 'nowhere')
})

test('the request has the API names and only them', () => {
  const query = new URLSearchParams(apiQuery(state, [['limit', '8']]))
  assert.deepEqual(
    [...new Set(query.keys())],
    ['from', 'to', 'src_process', 'dst_port', 'filter', 'limit'],
  )
  assert.deepEqual(query.getAll('dst_port'), ['5432', '6379'])
})

test('a filter is added once and taken away alone', () => {
  const port = { field: 'dst_port', value: '5432' }
  assert.equal(withFilters(state, [port]), state)
  assert.equal(withFilters(state, [{ field: 'node', value: 'a' }]).filters.length, 4)
  assert.deepEqual(
    withoutFilter(state, port).filters.map(({ value }) => value),
    ['a&b=c "d"', '6379'],
  )
})

test('a pinned link is absolute', () => {
  const link = pinned(state, now)
  assert.equal(link.from, '2026-08-21T14:00:00.000Z')
  assert.equal(link.to, '2026-08-21T14:55:00.000Z')
})

test('a range is never empty or backwards', () => {
  const { fromMs, toMs } = rangeOf({ ...state, from: 'now', to: '-1h' }, now)
  assert.ok(fromMs < toMs)
  assert.deepEqual(rangeOf({ ...state, from: 'x', to: 'y' }, now), {
    fromMs: now - 900_000,
    toMs: now,
  })
})

test('an excluded value is a condition of the filter language, beside what is there', () => {
  const curl = [{ field: 'src_process', value: 'curl' }]
  assert.equal(withoutValues(defaults, curl).filter, 'not src_process = curl')
  const either = { ...defaults, filter: 'dst_port = 1 or dst_port = 2' }
  const both = [...curl, { field: 'dst_process', value: '' }]
  assert.equal(
    withoutValues(either, both).filter,
    '(dst_port = 1 or dst_port = 2) and not (src_process = curl and dst_process = "")',
  )
  const twice = withoutValues(withoutValues(defaults, curl), curl)
  assert.equal(twice.filter, 'not src_process = curl')
})

test('a value that is no plain word is written in quotes, so that it means itself', () => {
  assert.equal(written('10.0.0.1'), '10.0.0.1')
  assert.equal(written('and'), '"and"')
  assert.equal(written(''), '""')
  assert.equal(written('a*'), '"a*"')
  assert.equal(written('say "x\\y"\n'), '"say \\"x\\\\y\\"\\n"')
})

test('chips and text are one text for questions that take no parameters', () => {
  assert.equal(filterText(defaults), '')
  assert.equal(
    filterText(state),
    'src_process = "a&b=c \\"d\\"" and dst_port in (5432, 6379) and (rtt > 5ms and not src_process = "a b")',
  )
})

test('sockets are the view that nobody needs to name; a link to interfaces names them', () => {
  const sockets = parseLocation('/flows?dst_port=443')
  assert.equal(viewOf(sockets), 'socket')
  const interfaces = withView(sockets, 'interface')
  assert.equal(formatLocation(interfaces), '/flows?dst_port=443&view=interface')
  assert.equal(viewOf(parseLocation(formatLocation(interfaces))), 'interface')
  assert.equal(formatLocation(withView(interfaces, 'socket')), '/flows?dst_port=443')
})
