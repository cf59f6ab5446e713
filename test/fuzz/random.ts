// Octets by chance that can be made again: a number begins the sequence.

export interface Chance {
  /** 0 to `below` - 1. */
  number(below: number): number
  octets(length: number): Buffer
  /** One of them. */
  of<T>(all: readonly T[]): T
}

/** xorshift128; `seed` is not 0. */
export function createChance(seed: number): Chance {
  const state = Uint32Array.of(seed, seed ^ 0x9e37_79b9, seed + 0x7f4a_7c15, 0x1234_5678)
  function next(): number {
    const [a = 0, , , d = 0] = state
    const mixed = (a ^ (a << 11)) >>> 0
    state.copyWithin(0, 1)
    state[3] = d ^ (d >>> 19) ^ mixed ^ (mixed >>> 8)
    return state[3] ?? 0
  }
  const number = (below: number) => next() % below
  return {
    number,
    of: (all) => all[number(all.length)] as (typeof all)[number],
    octets: (length) => {
      const made = Buffer.alloc(length)
      for (let at = 0; at < length; at++) made[at] = next() & 255
      return made
    },
  }
}

/** Values at which lengths and counts go wrong. */
const edges = [0, 1, 2, 3, 4, 7, 8, 15, 16, 63, 64, 127, 128, 129, 192, 224, 254, 255]

/** A copy that was cut, stretched, overwritten here and there; now and then nothing but chance. */
export function mutate(seed: Uint8Array, chance: Chance, most: number): Buffer {
  if (chance.number(10) === 0) return chance.octets(chance.number(Math.min(most, 400) + 1))
  let octets: Buffer = Buffer.from(seed.subarray(0, most))
  for (let change = chance.number(6); change >= 0; change--) {
    const at = chance.number(octets.length + 1)
    switch (chance.number(6)) {
      case 0:
        octets = octets.subarray(0, at)
        break
      case 1:
        octets = Buffer.concat([
          octets.subarray(0, at),
          chance.octets(chance.number(9)),
          octets.subarray(at),
        ])
        break
      case 2:
        octets = Buffer.concat([octets, octets.subarray(at)])
        break
      default:
        if (octets.length > 0)
          octets[at % octets.length] =
            chance.number(2) === 0 ? chance.of(edges) : chance.number(256)
    }
    octets = Buffer.from(octets.subarray(0, most))
  }
  return octets
}
