// The name that was probably meant: fewest changed, dropped, added or swapped letters.

/** The nearest of `names` within a third of the word's length; undefined when none is near. */
export function nearest(word: string, names: readonly string[]): string | undefined {
  let best: string | undefined
  let distance = Math.max(1, Math.ceil(word.length / 3)) + 1
  for (const name of names) {
    const changes = editDistance(word, name)
    if (changes < distance) {
      best = name
      distance = changes
    }
  }
  return best
}

/** Optimal string alignment: a swap of neighbours counts as one change. */
export function editDistance(from: string, to: string): number {
  const width = to.length + 1
  let before: number[] = []
  let above = Array.from({ length: width }, (_, column) => column)
  for (let row = 1; row <= from.length; row++) {
    const line = [row]
    for (let column = 1; column < width; column++) {
      const same = from[row - 1] === to[column - 1]
      let changes = Math.min(
        (above[column] as number) + 1,
        (line[column - 1] as number) + 1,
        (above[column - 1] as number) + (same ? 0 : 1),
      )
      const swapped = from[row - 1] === to[column - 2] && from[row - 2] === to[column - 1]
      if (row > 1 && column > 1 && swapped) {
        changes = Math.min(changes, (before[column - 2] as number) + 1)
      }
      line.push(changes)
    }
    before = above
    above = line
  }
  return above[width - 1] as number
}
