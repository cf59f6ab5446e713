// The name that somebody probably meant.

/** The name with the fewest edits from `typed`, if they are few enough to be a slip; else one that `typed` begins. */
export function nearestName(typed: string, names: readonly string[]): string | undefined {
  const limit = Math.max(1, Math.floor(typed.length / 3))
  let best: string | undefined
  let bestEdits = limit + 1
  for (const name of names) {
    if (Math.abs(name.length - typed.length) >= bestEdits) continue
    const edits = editsBetween(typed, name)
    if (edits < bestEdits) [best, bestEdits] = [name, edits]
  }
  return best ?? (typed.length < 3 ? undefined : names.find((name) => name.startsWith(typed)))
}

/**
 * The `count` names to offer, the nearest first: those that begin with `typed`, those that hold it, then by
 * edits. None for a text so long that it was no name.
 */
export function nearestNames(
  typed: string,
  names: readonly string[],
  count: number,
): readonly string[] {
  if (typed.length > lengthMax) return []
  return names
    .map((name, index) => ({ name, index, distance: distanceOf(typed, name) }))
    .toSorted((a, b) => a.distance - b.distance || a.index - b.index)
    .slice(0, count)
    .map(({ name }) => name)
}

const lengthMax = 80

function distanceOf(typed: string, name: string): number {
  if (typed !== '' && name.startsWith(typed)) return 0
  if (typed !== '' && name.includes(typed)) return 0.5
  return editsBetween(typed, name)
}

/** Insertions, deletions, replacements, and swaps of neighbours (optimal string alignment). */
export function editsBetween(a: string, b: string): number {
  let older: number[] = []
  let old = Array.from({ length: b.length + 1 }, (_, i) => i)
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1
      const edits = [(row[j - 1] ?? 0) + 1, (old[j] ?? 0) + 1, (old[j - 1] ?? 0) + same]
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]
      if (swapped) edits.push((older[j - 2] ?? 0) + 1)
      row.push(Math.min(...edits))
    }
    older = old
    old = row
  }
  return old[b.length] ?? 0
}
