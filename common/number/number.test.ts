import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as number from './number.ts'

const plain = (figure: number.Figure) => number.text(figure).replace(/[\u2009\u202f]/g, ' ')

const cases: readonly [(n: number) => number.Figure, number, string][] = [
  [number.bitRate, 0, '0 bit/s'],
  [number.bitRate, 4_820_000_000, '4.82 Gbit/s'],
  [number.bitRate, 0.5, '0.50 bit/s'],
  [number.volume, 912, '912 B'],
  [number.volume, 999, '999 B'],
  [number.volume, 1_318_204, '1.32 MB'],
  [number.volume, 999_600, '1.00 MB'],
  [number.volume, 12_345_678, '12.3 MB'],
  [number.volume, 123_456_789, '123 MB'],
  [number.volume, 1.2e18, '1.2e18 B'],
  [number.rate, 612_345, '612 k/s'],
  [number.rate, 0.2, '0.20 /s'],
  [number.rate, 0.001, '<0.01 /s'],
  [number.rate, 3, '3 /s'],
  [number.count, 8410, '8 410'],
  [number.count, 341_234, '341 k'],
  [number.percent, 0, '0 %'],
  [number.percent, 0.029, '2.9 %'],
  [number.percent, 0.0041, '0.41 %'],
  [number.percent, 0.00001, '<0.01 %'],
  [number.percent, 0.03, '3.0 %'],
  [number.percent, 0.00036, '0.04 %'],
  [number.percent, 0.0999, '10 %'],
  [number.percent, 0.86, '86 %'],
  [number.percent, 0.999, '>99 %'],
  [number.percent, 1, '100 %'],
  [number.duration, 0, '0 ns'],
  [number.duration, 280_000, '280 µs'],
  [number.duration, 41_200_000, '41.2 ms'],
  [number.duration, 999_999_999, '1.00 s'],
  [number.duration, 119e9, '119 s'],
  [number.duration, 12e6, '12.0 ms'],
  [number.duration, 7, '7 ns'],
  [number.volume, 88e6, '88.0 MB'],
  [number.duration, 273_600e9, '3 d 4 h'],
  [number.duration, 125e9, '2 min 5 s'],
  [number.age, 1_700e9, '28 min'],
  [number.age, 3_210_000_000, '3.21 s'],
]

for (const [format, input, expected] of cases) {
  test(`${format.name} of ${input} is ${expected}`, () => {
    assert.equal(plain(format(input)), expected)
  })
}

test('exact groups every digit', () => {
  assert.equal(number.exact(1_318_204), '1\u2009318\u2009204')
  assert.equal(number.exact(123), '123')
})

test('an axis has no idle zeros', () => {
  const tops = [0.005, 0.03, 0.2].map((ratio) => number.bare(number.percent(ratio)).value)
  assert.deepEqual(tops, ['0.5', '3', '20'])
})

test('the top of an axis is round and never below the value', () => {
  assert.deepEqual([4.82, 612, 0.41, 8, 0.029, 10].map(number.niceTop), [5, 800, 0.5, 8, 0.03, 10])
  assert.equal(number.niceTop(0), 1)
  assert.equal(number.niceTop(Number.NaN), 1)
})

test('a terminal has plain spaces and a zero without a unit, and the same digits', () => {
  const shown = (figure: number.Figure) => number.text(figure, number.terminalStyle)
  for (const [format, input, expected] of cases) {
    const figure = format(input)
    assert.equal(shown(figure), figure.value === '0' ? '0' : expected)
  }
  assert.equal(shown({ value: number.exact(1_318_204), unit: '' }), '1 318 204')
})
