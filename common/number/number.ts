// Numbers as people read them: three significant digits and a unit, or exact and grouped. The page, the terminal
// and the API's labels have the same digits; in what they differ stands in a NumberStyle.

/** A figure in two parts, because the unit has a slot of its own. `unit` may be empty. */
export interface Figure {
  readonly value: string
  readonly unit: string
}

/** What two places may show differently. */
export interface NumberStyle {
  /** Between groups of three digits. */
  readonly group: string
  /** Between a number and its unit. */
  readonly gap: string
  /** Whether zero has its unit: `0 B`, else `0`. */
  readonly zeroUnit: boolean
}

const thinSpace = '\u2009'
const noBreak = '\u202f'
const prefixes = ['', 'k', 'M', 'G', 'T', 'P']

/** A `Figure` is made in this style: its unit has a slot, and a browser draws narrow spaces narrow. */
export const pageStyle: NumberStyle = { group: thinSpace, gap: noBreak, zeroUnit: true }

/** A terminal has one width of space, and a column of zeros is read at a glance. */
export const terminalStyle: NumberStyle = { group: ' ', gap: ' ', zeroUnit: false }

/** Not measured here; never to be confused with zero. */
export const unmeasured: Figure = { value: '–', unit: '' }

/** `4.82 Gbit/s`; bits, because links are sold in them. */
export function bitRate(bitsPerSecond: number): Figure {
  return scaled(bitsPerSecond, 'bit/s')
}

/** `1.32 MB`, SI; below 1 kB the exact number of bytes. */
export function volume(bytes: number): Figure {
  return scaled(bytes, 'B')
}

/** `612 k/s`: packets, connections and events; the title names the thing. */
export function rate(perSecond: number): Figure {
  return scaled(perSecond, '/s')
}

/** Exact and grouped below 10 000, then three digits: `8 410`, `341 k`. */
export function count(n: number): Figure {
  return n < 10_000 ? { value: exact(n), unit: '' } : scaled(n, '')
}

/** Every digit, grouped by thin spaces: `1 318 204`. */
export function exact(n: number): string {
  return String(n).replace(/\B(?=(\d{3})+$)/g, thinSpace)
}

/** A ratio (1 = all) in per cent: `2.9`, `0.41`, `<0.01`, `0`, `86`. Only a true zero is `0`, only all is `100`. */
export function percent(ratio: number): Figure {
  return { value: percentDigits(ratio * 100), unit: '%' }
}

/** `41.2 ms`; from 120 s on two units: `3 d 4 h`. */
export function duration(ns: number): Figure {
  if (ns >= 120e9) return { value: longDuration(ns / 1e9, 2), unit: '' }
  const steps: readonly [number, string][] = [
    [1e9, 's'],
    [1e6, 'ms'],
    [1e3, 'µs'],
    [1, 'ns'],
  ]
  const [size, unit] = steps.find(([least]) => ns >= least * 0.9995) ?? [1, 'ns']
  return { value: size === 1 ? String(Math.round(ns)) : digits(ns / size), unit }
}

/** How old: like `duration`, but one unit from 120 s on, because ages are felt: `28 min`. */
export function age(ns: number): Figure {
  return ns >= 120e9 ? { value: longDuration(ns / 1e9, 1), unit: '' } : duration(ns)
}

/** Both parts in one text: `1.32 MB`. */
export function text({ value, unit }: Figure, style: NumberStyle = pageStyle): string {
  const shown = value.replaceAll(thinSpace, style.group).replaceAll(noBreak, style.gap)
  if (unit === '' || (value === '0' && !style.zeroUnit)) return shown
  return shown + style.gap + unit
}

/** The same figure without zeros that say nothing, for the top of an axis: `0.5`. */
export function bare({ value, unit }: Figure): Figure {
  return { value: value.replace(/(\.\d*?)0+$/, '$1').replace(/\.$/, ''), unit }
}

/** The smallest of 1, 2, 3, 5, 8 × 10ⁿ that is not below `value`: the top of an axis. */
export function niceTop(value: number): number {
  if (!(value > 0)) return 1
  const power = 10 ** Math.floor(Math.log10(value))
  const lead = [1, 2, 3, 5, 8, 10].find((step) => step * power >= value * 0.999_999) ?? 10
  return Number((lead * power).toPrecision(12))
}

function scaled(n: number, unit: string): Figure {
  if (n >= 999.5e15) return { value: n.toExponential(1).replace('e+', 'e'), unit }
  let prefix = 0
  let rest = n
  while (rest >= 999.5 && prefix < prefixes.length - 1) {
    rest /= 1000
    prefix++
  }
  const whole = prefix === 0 && Number.isInteger(n)
  return { value: whole ? String(n) : digits(rest), unit: (prefixes[prefix] ?? '') + unit }
}

/** Three significant digits from 1 on, two decimals below. */
function digits(n: number): string {
  if (n === 0) return '0'
  if (n < 0.005) return '<0.01'
  if (n >= 99.95) return n.toFixed(0)
  return n >= 9.995 ? n.toFixed(1) : n.toFixed(2)
}

function percentDigits(n: number): string {
  if (n === 0) return '0'
  if (n < 0.01) return '<0.01'
  if (n < 0.995) return n.toFixed(2)
  if (n < 9.95) return n.toFixed(1)
  if (n > 99 && n < 100) return '>99'
  return n.toFixed(0)
}

/** Units of spans from the largest on, each with its seconds. */
export const spanUnits = [
  [86_400, 'd'],
  [3600, 'h'],
  [60, 'min'],
  [1, 's'],
] as const

function longDuration(seconds: number, parts: number): string {
  const first = spanUnits.findIndex(([size]) => seconds >= size)
  return inUnits(seconds, first, parts)
}

/** Whole seconds in up to `parts` units, from the one at `first` on; those of which there is none are left out. */
export function inUnits(seconds: number, first: number, parts: number): string {
  const words: string[] = []
  let rest = Math.floor(seconds)
  for (const [size, unit] of spanUnits.slice(first, first + parts)) {
    const amount = Math.floor(rest / size)
    rest -= amount * size
    if (amount > 0) words.push(amount + noBreak + unit)
  }
  return words.join(noBreak)
}
