// The strip under each plot: grey = complete, amber = counted loss, nothing = nobody watched.

import { type Grid, waterline } from '../domain/series.ts'
import type { Range } from '../domain/time.ts'

export function Waterline({ grid, range }: { readonly grid: Grid; readonly range: Range }) {
  const width = range.toMs - range.fromMs
  const x = (step: number) =>
    ((((grid.timesMs[0] ?? 0) + step * grid.stepMs - range.fromMs) / width) * 1000).toFixed(1)
  return (
    <div class="water">
      <svg viewBox="0 0 1000 3" preserveAspectRatio="none" aria-hidden="true">
        {waterline(grid).map(({ kind, from, to }) => (
          <rect
            key={`${kind}${from}`}
            class={`w-${kind}`}
            x={x(from)}
            y="0"
            width={(((to - from) * grid.stepMs * 1000) / width).toFixed(1)}
            height="3"
          />
        ))}
      </svg>
    </div>
  )
}
