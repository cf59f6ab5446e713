// node test/fuzz/main.ts [--cases N] [--seed N] [names…]: random and damaged octets to every decoder and every program that
// reads packets; 1,000,000 cases each unless said otherwise. Ends with 1 at the first that crashes or is not counted.

import { parseArgs } from 'node:util'
import { decoders } from './decoders.ts'
import { fuzz } from './fuzz.ts'
import { programs } from './programs.ts'

const { values, positionals } = parseArgs({
  options: {
    cases: { type: 'string', default: '1000000' },
    seed: { type: 'string', default: String((Date.now() & 0xffffff) + 1) },
  },
  allowPositionals: true,
})
const [cases, seed] = [Number(values.cases), Number(values.seed)]
const isWanted = ({ name }: { readonly name: string }) =>
  positionals.length === 0 || positionals.some((word) => name.includes(word))
const named = decoders().filter(isWanted)
// Programs are loaded only when they are asked for: that takes root.
const wanted =
  positionals.length > 0 && named.length > 0 ? named : [...named, ...programs().filter(isWanted)]
for (const target of wanted) {
  const begun = performance.now()
  fuzz(target, cases, seed)
  const seconds = ((performance.now() - begun) / 1000).toFixed(1)
  console.log(`${target.name}: ${cases} cases of seed ${seed} in ${seconds} s`)
}
for (const target of wanted) target.close?.()
