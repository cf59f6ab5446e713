// A hash index from a 64-bit key (two u32) to a slot number: open addressing in typed arrays, because a Map
// would make one heap number per key. Deleting shifts the run back, so there are no tombstones to sweep.

/** A class, not closures: there are four of them, and V8 inlines what they share only as methods. */
class OpenIndex implements SlotIndex {
  mask = 1023
  keys = new Uint32Array((this.mask + 1) * 2)
  slots = new Int32Array(this.mask + 1) // slot + 1; 0 = empty
  used = 0

  placeOf(low: number, high: number): number {
    const { keys, slots, mask } = this
    let place = hashOf(low, high) & mask
    while (slots[place] !== 0 && (keys[place * 2] !== low || keys[place * 2 + 1] !== high)) {
      place = (place + 1) & mask
    }
    return place
  }

  find(low: number, high: number): number {
    return (this.slots[this.placeOf(low, high)] as number) - 1
  }

  set(low: number, high: number, slot: number): void {
    const place = this.placeOf(low, high)
    if (this.slots[place] === 0) this.used++
    this.keys[place * 2] = low
    this.keys[place * 2 + 1] = high
    this.slots[place] = slot + 1
    if (this.used * 2 > this.mask) this.grow()
  }

  grow(): void {
    const { keys, slots } = this
    this.mask = this.mask * 2 + 1
    this.keys = new Uint32Array((this.mask + 1) * 2)
    this.slots = new Int32Array(this.mask + 1)
    this.used = 0
    for (let place = 0; place < slots.length; place++) {
      const slot = slots[place] as number
      if (slot !== 0) this.set(keys[place * 2] as number, keys[place * 2 + 1] as number, slot - 1)
    }
  }

  delete(low: number, high: number): void {
    const { keys, slots, mask } = this
    let hole = this.placeOf(low, high)
    if (slots[hole] === 0) return
    this.used--
    for (let next = (hole + 1) & mask; slots[next] !== 0; next = (next + 1) & mask) {
      const home = hashOf(keys[next * 2] as number, keys[next * 2 + 1] as number) & mask
      if (((next - home) & mask) < ((next - hole) & mask)) continue
      keys[hole * 2] = keys[next * 2] as number
      keys[hole * 2 + 1] = keys[next * 2 + 1] as number
      slots[hole] = slots[next] as number
      hole = next
    }
    slots[hole] = 0
  }

  size(): number {
    return this.used
  }
}

export interface SlotIndex {
  /** The slot of a key, or -1. */
  find(low: number, high: number): number
  /** Sets or replaces the slot of a key. */
  set(low: number, high: number, slot: number): void
  delete(low: number, high: number): void
  size(): number
}

/** An index without keys; it grows by doubling. */
export function createSlotIndex(): SlotIndex {
  return new OpenIndex()
}

function hashOf(low: number, high: number): number {
  let hash = Math.imul(low ^ Math.imul(high, 0x9e37_79b1), 0x85eb_ca6b)
  hash ^= hash >>> 15
  hash = Math.imul(hash, 0xc2b2_ae35)
  return (hash ^ (hash >>> 13)) >>> 0
}
