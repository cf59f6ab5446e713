// A hash index from a 64-bit key (two u32) to a slot number: open addressing in typed arrays, because a Map
// would make one heap number per key. Deleting shifts the run back, so there are no tombstones to sweep.

export interface SlotIndex {
  /** The slot of a key, or -1. */
  find(low: number, high: number): number
  /** Sets or replaces the slot of a key. */
  set(low: number, high: number, slot: number): void
  delete(low: number, high: number): void
  size(): number
}

export function createSlotIndex(): SlotIndex {
  let mask = 1023
  let keys = new Uint32Array((mask + 1) * 2)
  let slots = new Int32Array(mask + 1) // slot + 1; 0 = empty
  let size = 0

  function placeOf(low: number, high: number): number {
    let place = hashOf(low, high) & mask
    while (slots[place] !== 0 && (keys[place * 2] !== low || keys[place * 2 + 1] !== high)) {
      place = (place + 1) & mask
    }
    return place
  }

  function find(low: number, high: number): number {
    return (slots[placeOf(low, high)] as number) - 1
  }

  function set(low: number, high: number, slot: number): void {
    const place = placeOf(low, high)
    if (slots[place] === 0) size++
    keys[place * 2] = low
    keys[place * 2 + 1] = high
    slots[place] = slot + 1
    if (size * 2 > mask) grow()
  }

  function grow(): void {
    const oldKeys = keys
    const oldSlots = slots
    mask = mask * 2 + 1
    keys = new Uint32Array((mask + 1) * 2)
    slots = new Int32Array(mask + 1)
    size = 0
    for (let place = 0; place < oldSlots.length; place++) {
      const slot = oldSlots[place] as number
      if (slot !== 0) {
        set(oldKeys[place * 2] as number, oldKeys[place * 2 + 1] as number, slot - 1)
      }
    }
  }

  function remove(low: number, high: number): void {
    let hole = placeOf(low, high)
    if (slots[hole] === 0) return
    size--
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

  return { find, set, delete: remove, size: () => size }
}

function hashOf(low: number, high: number): number {
  let hash = Math.imul(low ^ Math.imul(high, 0x9e37_79b1), 0x85eb_ca6b)
  hash ^= hash >>> 15
  hash = Math.imul(hash, 0xc2b2_ae35)
  return (hash ^ (hash >>> 13)) >>> 0
}
