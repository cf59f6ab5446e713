// Whole maps read in batches beside the same maps read key after key, in the same run.

import { openLibbpf } from '../../kernel/loader/library.ts'
import { createMapEntries } from '../../kernel/loader/map-batch.ts'
import { type LoadedMap, openMap } from '../../kernel/loader/maps.ts'
import { addEntries, openTestObject } from '../../kernel/testing/loader.ts'
import { type Finding, type Measure, type Plan, showInterval } from '../finding.ts'
import { median, ratioInterval } from '../statistics.ts'

export const maps: Measure = { name: 'maps', run: measureMaps }

const entriesToRead = 100_000
const warmUp = 2
const notSupported = -524

async function measureMaps({ quick }: Plan): Promise<readonly Finding[]> {
  const object = openTestObject()
  try {
    addEntries(object, entriesToRead)
    const bpf = openLibbpf()
    const single = { ...bpf, lookupBatch: () => notSupported }
    return ['many', 'many_cpu'].map((name) => {
      const fd = () => object.mapFd(name)
      return compare(openMap(bpf, fd, name), openMap(single, fd, name), name, quick ? 2 : 20)
    })
  } finally {
    object.close()
  }
}

function compare(batch: LoadedMap, each: LoadedMap, name: string, rounds: number): Finding {
  const entries = createMapEntries()
  const time = (way: 'batch' | 'each'): number => {
    const begun = performance.now()
    ;(way === 'batch' ? batch : each).read(entries)
    const ms = performance.now() - begun
    if (entries.count !== entriesToRead || entries.way !== way) throw new Error(`${name}: ${way}`)
    return ms
  }
  const spent = { batch: [] as number[], each: [] as number[] }
  for (let round = -warmUp; round < rounds; round++) {
    for (const way of round % 2 === 0
      ? (['batch', 'each'] as const)
      : (['each', 'batch'] as const)) {
      const ms = time(way)
      if (round >= 0) spent[way].push(ms)
    }
  }
  const rate = (ms: readonly number[]) => (entriesToRead / 1000 / median(ms)).toFixed(2)
  const kind = name === 'many' ? 'hash' : 'per-CPU hash'
  const rates = `${rate(spent.batch)} and ${rate(spent.each)} million entries a second`
  return {
    what: `${kind} of ${entriesToRead} entries, batch/key by key (${rates})`,
    value: showInterval(ratioInterval(spent.batch, spent.each), 2),
  }
}
