// Numbers as people read them: SI units, three significant digits, small counts exact. The rules and the
// reason of each stand in docs/reference/cli.md; machines get plain numbers by --output or --raw.

const prefixes = ['', 'k', 'M', 'G', 'T', 'P']

/** Bytes, SI: `61 B`, `45.1 kB`, `957 MB`; zero is `0`. */
export function volume(bytes: number): string {
  return bytes === 0 ? '0' : scaled(bytes, 'B')
}

/** Bytes in a time → bit/s, SI: `164 Mbit/s`. */
export function rate(bytes: number, seconds: number): string {
  if (seconds <= 0) return '–'
  const bits = (bytes * 8) / seconds
  return bits === 0 ? '0' : scaled(bits, 'bit/s')
}

/** Exact and grouped below 10 000, then three digits: `8 410`, `341 k`. */
export function count(value: number): string {
  if (value < 10_000) return grouped(Math.round(value))
  return scaled(value, '').trim()
}

/** Exact and grouped, whatever its size: the ledger must add up. */
export function grouped(value: number): string {
  return String(value).replace(/\B(?=(?:\d{3})+$)/g, ' ')
}

/** Two digits below 10 %; `<0.01 %` is not zero, and zero is `0`. */
export function percent(share: number): string {
  const value = share * 100
  if (value === 0) return '0'
  if (value < 0.01) return '<0.01 %'
  return `${value < 10 ? significant(value, 2) : significant(value, 3)} %`
}

/** Coverage is rounded down, so that only the whole truth says 100 %. */
export function coverageShare(share: number): string {
  if (share >= 1) return '100 %'
  const digits = share > 0.99 ? 100 : 10
  return `${Math.floor(share * 100 * digits) / digits} %`
}

/** ns, µs, ms, s up to 120 s, then two units: `41.2 ms`, `2 min 5 s`, `3 d 4 h`. */
export function duration(ns: number): string {
  if (ns === 0) return '0'
  if (ns < 1e3) return `${Math.round(ns)} ns`
  if (ns < 999.5e3) return `${significant(ns / 1e3, 3)} µs`
  if (ns < 999.5e6) return `${significant(ns / 1e6, 3)} ms`
  if (ns < 120e9) return `${significant(ns / 1e9, 3)} s`
  return twoUnits(Math.floor(ns / 1e9))
}

/** A length of time, rounded down to seconds: `42 s`, `6 min`, `24 h`, `36 h 10 min`, `7 d`. */
export function span(seconds: number): string {
  const whole = Math.floor(seconds)
  return whole === 0 ? '0 s' : twoUnits(whole, whole < 48 * 3600 ? 'h' : 'd')
}

/** Up to the unit `most`. */
function twoUnits(seconds: number, most: 'd' | 'h' = 'd'): string {
  const all = [
    ['d', 86_400],
    ['h', 3600],
    ['min', 60],
    ['s', 1],
  ] as const
  const units = most === 'd' ? all : all.slice(1)
  const first = units.findIndex(([, size]) => seconds >= size)
  const parts: string[] = []
  let rest = seconds
  for (const [name, size] of units.slice(first, first + 2)) {
    const amount = Math.floor(rest / size)
    rest -= amount * size
    if (amount > 0) parts.push(`${amount} ${name}`)
  }
  return parts.join(' ')
}

/** Beyond 999 P it is a defect or a counter reset: shown as it is, not dressed. */
function scaled(value: number, unit: string): string {
  let amount = value
  let step = 0
  while (Math.round(amount) >= 1000 && step < prefixes.length) {
    amount /= 1000
    step += 1
  }
  if (step === prefixes.length) return `${value.toExponential(1).replace('+', '')} ${unit}`
  const digits = step === 0 && Number.isInteger(value) ? String(value) : significant(amount, 3)
  return `${digits} ${prefixes[step]}${unit}`
}

function significant(value: number, digits: number): string {
  const text = value.toPrecision(digits)
  return text.includes('e') ? String(Math.round(value)) : text
}
