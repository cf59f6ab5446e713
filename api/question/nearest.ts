// The name that somebody probably meant.

/** The name with the fewest edits from `typed`, if they are few enough to be a slip. */
export function nearestName(typed: string, names: readonly string[]): string | undefined {
  const limit = Math.max(1, Math.floor(typed.length / 3))
  let best: string | undefined
  let bestEdits = limit + 1
  for (const name of names) {
    if (Math.abs(name.length - typed.length) >= bestEdits) continue
    const edits = editsBetween(typed, name)
    if (edits < bestEdits) [best, bestEdits] = [name, edits]
  }
  return best
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
