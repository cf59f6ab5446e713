// node test/traffic/main.ts [words…]: plays the cases whose names hold every word, prints the truth as JSON lines.

import { closingCases, failureCases, serverCases, withNamespaces } from './mod.ts'

const cases = [
  ...(['v4', 'v6', 'mapped'] as const).flatMap((version) => closingCases(version)),
  ...closingCases('v4', 1),
  ...closingCases('v6', 1),
  ...failureCases,
  ...serverCases,
]

const words = process.argv.slice(2)
for (const one of cases.filter(({ name }) => words.every((word) => name.includes(word)))) {
  await withNamespaces(one.namespaces, async (lab) => {
    const rest = await one.begin(lab)
    for (const connection of await rest()) console.log(JSON.stringify(connection))
  })
}
