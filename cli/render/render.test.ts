import assert from 'node:assert/strict'
import { test } from 'node:test'
import { escaped, escapedJson } from './escape.ts'
import * as number from './number.ts'
import { sparkline } from './sparkline.ts'
import { createTable } from './table.ts'
import { ago, clockTime } from './time.ts'
import { shortened, widthOf } from './width.ts'

const hostile = 'a\u001b[2J\r\n\t\u0000\u007f\u009b\u202e\u2066\u200b\ufeff\u2028\u00ad\ud800b\\x1b'

test('nothing invisible reaches a terminal', () => {
  const shown = escaped(hostile)
  assert.equal(
    shown,
    'a\\x1b[2J\\x0d\\x0a\\x09\\x00\\x7f\\x9b\\u{202e}\\u{2066}\\u{200b}\\u{feff}\\u{2028}\\xad\\u{d800}b\\\\x1b',
  )
  assert.equal(escaped('Größe 漢字 é 👍 → – …'), 'Größe 漢字 é 👍 → – …')
})

test('JSON with the same characters reads back unchanged', () => {
  const json = escapedJson({ name: hostile, tag: '\u{e0041}' })
  assert.match(json, /^[\x20-\x7e]*$/)
  assert.deepEqual(JSON.parse(json), { name: hostile, tag: '\u{e0041}' })
})

test('numbers as people read them', () => {
  for (const [shown, expected] of [
    [number.volume(0), '0'],
    [number.volume(61), '61 B'],
    [number.volume(999), '999 B'],
    [number.volume(999.6e3), '1.00 MB'],
    [number.volume(45_100), '45.1 kB'],
    [number.volume(957e6), '957 MB'],
    [number.volume(1e18), '1.0e18 B'],
    [number.rate(20.5e6, 1), '164 Mbit/s'],
    [number.rate(0, 1), '0'],
    [number.rate(1, 60), '0.13 bit/s'],
    [number.rate(1, 0), '–'],
    [number.count(8410), '8 410'],
    [number.count(341_000), '341 k'],
    [number.count(9999), '9 999'],
    [number.count(10_000), '10.0 k'],
    [number.grouped(1_234_567), '1 234 567'],
    [number.percent(0), '0'],
    [number.percent(0.00001), '<0.01 %'],
    [number.percent(0.0041), '0.41 %'],
    [number.percent(0.029), '2.9 %'],
    [number.percent(0.5), '50 %'],
    [number.coverageShare(1), '100 %'],
    [number.coverageShare(0.999_999), '99.99 %'],
    [number.coverageShare(0.9998), '99.98 %'],
    [number.coverageShare(0.5), '50.00 %'],
    [number.duration(0), '0'],
    [number.duration(41_000), '41.0 µs'],
    [number.duration(999_700), '1.00 ms'],
    [number.duration(41_200_000), '41.2 ms'],
    [number.duration(119e9), '119 s'],
    [number.duration(125e9), '2 min 5 s'],
    [number.duration(273_600e9), '3 d 4 h'],
  ] as const) {
    assert.equal(shown, expected)
  }
})

test('times are relative up to an hour, then a clock', () => {
  const clock = { nowMs: Date.parse('2026-08-21T12:00:00Z'), utc: true }
  assert.equal(ago('2026-08-21T12:00:00.000000001Z', clock), '0 s')
  assert.equal(ago('2026-08-21T11:59:18.900000000Z', clock), '41 s')
  assert.equal(ago('2026-08-21T11:51:00.000000000Z', clock), '9 min')
  assert.equal(ago('2026-08-21T02:14:00.000000000Z', clock), '02:14Z')
  assert.equal(ago('2026-08-20T02:14:00.000000000Z', clock), '2026-08-20 02:14Z')
  assert.equal(ago('nonsense', clock), '–')
  const local = { ...clock, utc: false }
  assert.match(clockTime('2026-08-21T11:59:00Z', local), /^(?:\d{4}-\d\d-\d\d )?\d\d:\d\d$/)
})

test('widths count what a screen does', () => {
  assert.equal(widthOf('abc'), 3)
  assert.equal(widthOf('漢字'), 4)
  assert.equal(widthOf('e\u0301'), 1)
  assert.equal(shortened('2001:db8:85a3::8a2e:370:7334', 13), '2001:d…0:7334')
  assert.equal(shortened('abc', 3), 'abc')
  assert.equal(shortened('漢字漢字', 5), '漢…字')
  assert.equal(shortened('abc', 0), '')
})

test('a sparkline has its highest bar at the peak and a space where nothing was', () => {
  assert.equal(sparkline([0, 1, 4, 8], 4), ' ▁▄█')
  assert.equal(sparkline([1, 1, 8, 8], 2), '▁█')
  assert.equal(sparkline([], 4), '')
  assert.equal(sparkline([0, 0], 4), '  ')
})

interface Line {
  readonly name: string
  readonly address: string
  readonly size: number
}

const columns = [
  { head: 'NAME', priority: 0, least: 4, cell: (line: Line) => line.name },
  { head: 'ADDRESS', priority: 1, least: 8, cell: (line: Line) => line.address },
  { head: 'SIZE', priority: 2, align: 'right', cell: (line: Line) => String(line.size) },
] as const

const lines: readonly Line[] = [
  { name: 'curl', address: '2001:db8:85a3::8a2e:370:7334', size: 12 },
  { name: 'evil\u001b[31m', address: '192.0.2.1', size: 123_456 },
]

test('a table without a screen shows everything', () => {
  assert.deepEqual(createTable(columns, undefined).lines(lines), [
    'NAME          ADDRESS                         SIZE',
    'curl          2001:db8:85a3::8a2e:370:7334      12',
    'evil\\x1b[31m  192.0.2.1                     123456',
  ])
})

test('on a screen cells are cut first, then the least important column leaves', () => {
  assert.deepEqual(createTable(columns, 40).lines(lines), [
    'NAME          ADDRESS               SIZE',
    'curl          2001:db8…:370:7334      12',
    'evil\\x1b[31m  192.0.2.1           123456',
  ])
  const narrow = createTable(columns, 16).lines(lines)
  assert.deepEqual(narrow[0], 'NAME    ADDRESS')
  for (const width of [12, 16, 22, 30, 50]) {
    for (const line of createTable(columns, width).lines(lines)) {
      assert.ok(widthOf(line) <= Math.max(width, 4), `${width}: ${line}`)
    }
  }
})

test('later rows come without a head', () => {
  const table = createTable(columns, undefined)
  assert.equal(table.lines(lines.slice(0, 1)).length, 2)
  assert.equal(table.lines(lines.slice(0, 1)).length, 1)
})
