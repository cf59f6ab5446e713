// Connections that are open, by id: slots of typed arrays that are used again.

import { createSlotIndex } from '../../common/mod.ts'
import type { BoundedSeries } from './bounded-family.ts'

/** A connection when it is first heard of. */
export interface Opened {
  readonly series: BoundedSeries
  readonly startMs: number
}

export class OpenTable {
  readonly #index = createSlotIndex()
  readonly #free: number[] = []
  /** Undefined of a free slot. */
  readonly #series: (BoundedSeries | undefined)[] = []
  /** Ids as pairs of u32, low first. */
  #ids = new Uint32Array(2 * 1024)
  #startMs = new Float64Array(1024)
  #lastMs = new Float64Array(1024)

  size(): number {
    return this.#index.size()
  }

  /** The slot of an id, or -1. */
  find(low: number, high: number): number {
    return this.#index.find(low, high)
  }

  add(low: number, high: number, { series, startMs }: Opened): number {
    const slot = this.#free.pop() ?? this.#series.push(undefined) - 1
    if (slot === this.#startMs.length) this.#grow()
    this.#index.set(low, high, slot)
    this.#series[slot] = series
    this.#ids[slot * 2] = low
    this.#ids[slot * 2 + 1] = high
    this.#startMs[slot] = startMs
    return slot
  }

  /** It has a row of that time. */
  heard(slot: number, nowMs: number): void {
    this.#lastMs[slot] = nowMs
    this.seriesOf(slot).lastMs = nowMs
  }

  seriesOf(slot: number): BoundedSeries {
    return this.#series[slot] as BoundedSeries
  }

  startOf(slot: number): number {
    return this.#startMs[slot] as number
  }

  remove(slot: number): void {
    this.#index.delete(this.#ids[slot * 2] as number, this.#ids[slot * 2 + 1] as number)
    this.#series[slot] = undefined
    this.#free.push(slot)
  }

  /** Removes what was not heard of since then. */
  sweep(sinceMs: number): void {
    for (const [slot, series] of this.#series.entries()) {
      if (series && (this.#lastMs[slot] as number) <= sinceMs) this.remove(slot)
    }
  }

  forEach(visit: (series: BoundedSeries, startMs: number) => void): void {
    for (let slot = 0; slot < this.#series.length; slot++) {
      const series = this.#series[slot]
      if (series) visit(series, this.#startMs[slot] as number)
    }
  }

  #grow(): void {
    const capacity = this.#startMs.length * 2
    this.#ids = extended(this.#ids, new Uint32Array(capacity * 2))
    this.#startMs = extended(this.#startMs, new Float64Array(capacity))
    this.#lastMs = extended(this.#lastMs, new Float64Array(capacity))
  }
}

function extended<T extends Uint32Array | Float64Array>(from: T, to: T): T {
  to.set(from)
  return to
}
