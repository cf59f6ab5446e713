// What a scrape shows: families of series. A series keeps its labels as the text that stands in the answer, because
// they never change and there may be a hundred thousand of them.

/** `info` is a gauge of 1 that carries facts in its labels. */
export type FamilyKind = 'counter' | 'gauge' | 'histogram' | 'info'

export interface Family {
  /** As it stands in the text format: a counter ends in `_total`, an info in `_info`. */
  readonly name: string
  readonly kind: FamilyKind
  /** The last word of the name before `_total`: `bytes`, `seconds`. */
  readonly unit?: string
  readonly help: string
  /** Read while the answer is written; it may change between two chunks of it. */
  readonly series: () => Iterable<Series>
}

export interface Series {
  /** As `labelsText` writes them; '' for none. */
  readonly labels: string
  /** Of a histogram: the sum of what was observed. */
  readonly value: number
  /** When a counter or histogram began at 0, milliseconds since 1970. */
  readonly createdMs?: number
  readonly histogram?: HistogramCounts
}

export interface HistogramCounts {
  /** Upper bounds, rising, without +Inf. */
  readonly bounds: readonly number[]
  /** Observations up to each bound and above the one before it; the last element is those above all. */
  readonly counts: Float64Array
}

const escapes: Readonly<Record<string, string>> = { '\\': '\\\\', '"': '\\"', '\n': '\\n' }

/** `name="value",…`; a label without a value is left out, because Prometheus says the same of both. */
export function labelsText(labels: readonly (readonly [name: string, value: string])[]): string {
  return labels
    .filter(([, value]) => value !== '')
    .map(([name, value]) => `${name}="${escapedLabel(value)}"`)
    .join(',')
}

export function escapedLabel(value: string): string {
  return /["\\\n]/.test(value)
    ? value.replace(/["\\\n]/g, (character) => escapes[character] as string)
    : value
}
