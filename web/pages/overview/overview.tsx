// Overview: what hurts, and since when. Two questions at one pace: the figures over time, and who talks to whom.
// What the whole range holds is said by one answer alone, that of the edges, so no edge is larger than the whole.

import { useEffect, useMemo, useState } from 'preact/hooks'
import { watchedText } from '../../../common/number/mod.ts'
import { useAnswer } from '../../data/answer.ts'
import type { SeriesAnswer, TopAnswer } from '../../data/contract.ts'
import { serverNow } from '../../data/request.ts'
import { apiQuery, type PageState, rangeOf } from '../../domain/location.ts'
import { firstWatchedMs, stepSeconds } from '../../domain/series.ts'
import { rangeLabel, refreshMs } from '../../domain/time.ts'
import { PageFrame, type PageProps } from '../../views/page-frame.tsx'
import { ErrorState } from '../../views/panel-state.tsx'
import { useEventKpis } from './event-kpis.ts'
import { failedOrder, failedQuery } from './failed.tsx'
import { Kpis, seriesQuery } from './kpis.tsx'
import { firstOrder, Talkers, talkersQuery } from './talkers.tsx'

export function Overview({ state, live, health, intervalMs }: PageProps) {
  const [order, setOrder] = useState<string>(firstOrder)
  const { series, charted, seconds } = useCharts(state, live, intervalMs)
  const events = useEventKpis(charted, seconds, live)
  const question = apiQuery(state)
  const { fromMs, toMs } = rangeOf(state, serverNow())
  const top = useAnswer<TopAnswer>(
    order === failedOrder
      ? `/api/top?${failedQuery(state)}`
      : `/api/top?${question}&${talkersQuery(order, state)}`,
    live ? refreshMs((toMs - fromMs) / 30) : undefined,
  )
  const now = series.atMs || serverNow()
  const rangeText = rangeLabel(rangeOf(state, now), now, state.zone)
  // Of the range and filters of now, in whatever order; what failed is not the whole.
  const isOfAll = top.path.startsWith(`/api/top?${question}&`) && !top.path.includes(failedOrder)
  const whole = isOfAll ? top.data : undefined
  // Beside edges of another range the totals of this one would contradict them.
  const isSeriesAlone = top.data === undefined || order === failedOrder
  const totals = whole ? whole.totals : isSeriesAlone ? series.data?.totals : undefined
  const coverage = whole?.coverage ?? series.data?.coverage
  const wrong = series.failure?.passing === false ? series.failure : undefined
  const alike = wrong !== undefined && top.failure?.message === wrong.message
  return (
    <PageFrame
      heading={`Weir: network of this host, ${rangeText}`}
      coverage={coverage}
      health={health}
      atMs={series.atMs}
    >
      {wrong ? (
        <section class="panel" aria-label="Error">
          <ErrorState failure={wrong} />
        </section>
      ) : (
        <Kpis
          answer={series}
          events={events}
          totals={totals}
          watched={coverage && watchedText(coverage.watched, toMs - fromMs)}
          young={charted !== state}
          state={charted}
          rangeText={rangeText}
        />
      )}
      {!alike && (
        <Talkers
          answer={top}
          order={order}
          onOrder={setOrder}
          rangeText={rangeText}
          nodes={health?.nodes}
        />
      )}
    </PageFrame>
  )
}

/**
 * The answer of the charts, and the range that they show. A Weir that is younger than the range has nothing
 * before: it is asked from its first moment on, in steps that fit what there is.
 */
function useCharts(state: PageState, live: boolean, intervalMs: number) {
  const question = apiQuery(state)
  const [young, setYoung] = useState({ question, fromMs: 0 })
  const range = rangeOf(state, serverNow())
  const isYoung = young.question === question && young.fromMs > range.fromMs
  const fromMs = isYoung ? young.fromMs : range.fromMs
  const charted = useMemo(
    () => (isYoung ? { ...state, from: new Date(fromMs).toISOString() } : state),
    [state, isYoung && fromMs],
  )
  const seconds = stepSeconds({ fromMs, toMs: range.toMs }, intervalMs)
  const path = `/api/series?${apiQuery(charted)}&${seriesQuery(seconds)}`
  const series = useAnswer<SeriesAnswer>(path, live ? refreshMs(seconds * 1000) : undefined)
  useEffect(() => {
    const first = series.data && series.path === path && firstWatchedMs(series.data)
    if (first) setYoung({ question, fromMs: first })
  }, [series.data])
  return { series, charted, seconds }
}
