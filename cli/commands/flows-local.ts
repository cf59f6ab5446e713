// `weir flows --local`: connections of this machine, measured by the command itself.

import { type Batch, flowTable } from '../../wire/mod.ts'
import type { Listing } from '../render/listing.ts'
import { span } from '../render/number.ts'
import { createProgress } from '../render/progress.ts'
import { type KnownCoverage, rowsOf } from '../render/truth.ts'
import { fieldName, fieldNames, filtersOf } from '../source/filter-flags.ts'
import { createWatch, localAgent, localIntervals, localQuestion, refuse } from '../source/local.ts'
import { ordered } from '../source/order.ts'
import { createRecentRows } from '../source/recent-rows.ts'
import { note, type Terminal, type Values } from './command.ts'

import { endOf, followLimit, listingOf, unknown, watchedRange } from './flows-shared.ts'

const explain = 'weir doctor'
/** What is watched when nothing is said: long enough to see the connections that come and go. */
const localSpanMs = 2000

/** What this machine did in the last --for, 2 s when nothing is said, ended connections among it. */
export async function listLocal(values: Values, terminal: Terminal): Promise<number> {
  refuse('flows', values, ['server', 'from', 'to'], '--local')
  const spanMs = values.durationMs('for') ?? localSpanMs
  const people = values.text('output') === 'table'
  const sorted = ordered(fieldName(values.text('order') ?? ''), fieldNames)
  const question = questionOf(values)
  const recent = createRecentRows({ limit: values.number('limit') ?? 0, sorted, newest: people })
  const open = await localAgent()
  const bar = createProgress(terminal, spanMs)
  const watch = createWatch(terminal, spanMs)
  let coverage: KnownCoverage = unknown
  let watchedMs = 0
  for await (const interval of localIntervals(question, watch.ended, open)) {
    watch.begin()
    recent.add(interval.rows)
    ;({ coverage, watchedMs } = interval)
    bar.show()
  }
  bar.clear()
  const listing = listingOf(values, terminal, false)
  await listing.add(recent.rows())
  const what = rowsOf(recent.rows().length, recent.more())
  const range = `last ${span(Math.max(1, Math.round(watchedMs / 1000)))}`
  listing.end({ what, range, coverage, explain: explain }, { next: null })
  if (people && recent.rows().length === 0) note(terminal, quietHint)
  return 0
}

function questionOf(values: Values) {
  return localQuestion(values, filtersOf('flows', values, flowTable, ['interface']))
}

const quietHint = 'No connection in this time. To go on watching: weir flows --local -f'

/** What lives at the start, then what changes, until --for, --limit or Ctrl-C. */
export async function followLocal(values: Values, terminal: Terminal): Promise<number> {
  refuse('flows', values, ['server'], '--local')
  const question = questionOf(values)
  const listing = listingOf(values, terminal, false)
  const limit = followLimit(values)
  const open = await localAgent()
  const startedMs = terminal.now()
  let length = 0
  let coverage: KnownCoverage = unknown
  const isPlain = values.text('output') === 'ndjson' // from columns: no row has to be an object
  for await (const interval of localIntervals(question, endOf(values, terminal), open)) {
    const shown = Math.min(interval.length, limit - length)
    if (isPlain) await addBatches(listing, interval.batches, shown)
    else await listing.add(interval.rows.slice(0, shown))
    length += shown
    coverage = interval.coverage
    if (length >= limit) break
  }
  const range = watchedRange(startedMs, terminal)
  const what = rowsOf(length, length >= limit)
  listing.end({ what, range, coverage, explain: explain }, { next: null })
  return 0
}

async function addBatches(
  listing: Listing,
  batches: readonly Batch[],
  rows: number,
): Promise<void> {
  let left = rows
  for (const batch of batches) {
    await listing.addBatch(batch, left)
    left -= Math.min(left, batch.length)
  }
}
