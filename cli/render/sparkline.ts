// A row of bars for how a number moved: one character a step, empty steps as spaces.

const bars = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█']

/** At most `columns` characters; neighbours are added up when there are more values. */
export function sparkline(values: readonly number[], columns: number): string {
  const size = Math.ceil(values.length / columns) || 1
  const sums: number[] = []
  for (let at = 0; at < values.length; at += size) {
    sums.push(values.slice(at, at + size).reduce((sum, value) => sum + value, 0))
  }
  const most = Math.max(...sums, 0)
  return sums
    .map((sum) => (sum > 0 ? bars[Math.ceil((sum / most) * bars.length) - 1] : ' '))
    .join('')
}
