// The questions of the store's benchmark and how long they take: the API in memory over a filled store.
// Where an answer has estimates, the same question with every figure exact is asked in turns.

import { createApp } from '../../api/mod.ts'
import { rfc3339 } from '../../common/mod.ts'
import { createReporter } from '../../common/reporter/mod.ts'
import type { Reader } from '../../store/mod.ts'
import type { Finding } from '../finding.ts'
import { rank } from '../statistics.ts'
import type { Filled } from './fill.ts'

type Query = Readonly<Record<string, string | number | readonly string[]>>

interface Question {
  readonly what: string
  readonly path: string
  readonly parameters: Query
  readonly minutes: number
  /** Of the promise for this kind of question; without it the goal is an answer at all. */
  readonly p95MaxMs?: number
}

const quarter = 15
const hour = 60
const day = 1440
const page = [
  'bytes',
  'reverse_bytes',
  'packets',
  'reverse_packets',
  'retransmits',
  'opened',
  'failed',
]

const rareFilter = 'dst_port = 7777 and rtt > 1ms and not src_process = "process-3"'
const textFilter = 'src_process ~ "^process-1" and (rtt > 5ms or retransmits > 0)'

const questions: readonly Question[] = [
  top('top by process, 15 min', 'src_process', quarter),
  top('top by process, 1 h', 'src_process', hour),
  top('top by process, 24 h', 'src_process', day),
  {
    ...top('top by process, 24 h, sums alone', 'src_process', day),
    parameters: { by: 'src_process', metrics: page },
  },
  top('top by dst_address, 24 h', 'dst_address', day),
  top('top by connection_id, 24 h', 'connection_id', day),
  series('series, 15 min', quarter),
  series('series, 1 h', hour),
  series('series, 24 h', day),
  { ...series('series, 24 h, sums alone', day), parameters: { metrics: page } },
  { ...series('series by process, 24 h', day), parameters: { by: 'src_process' } },
  flows('latest 200 flows, 15 min', {}, quarter),
  flows('latest 200 flows, 24 h', {}, day),
  flows('rare port, 24 h', { dst_port: 7777 }, day),
  flows('one address, 24 h', { dst_address: '11.2.17.9' }, day),
  flows('a filter that few rows pass, 24 h', { filter: rareFilter }, day),
  flows('a filter on text and time, 24 h', { filter: textFilter }, day),
  filtered(top('top by process with a filter, 15 min', 'src_process', quarter), textFilter),
  filtered(top('top by process with a filter, 24 h', 'src_process', day), textFilter),
  filtered(series('series with a filter, 24 h', day), textFilter),
  events('latest 200 events, 24 h', {}),
  events('drops of a reason, 24 h', { kind: 'drop', filter: 'reason = NETFILTER_DROP' }),
  events('events of a port and a process, 24 h', {
    filter: 'port = 7777 and src_process ~ "^process-1"',
  }),
  {
    what: 'drops by reason with a filter, 24 h',
    path: '/api/events/top',
    parameters: { kind: 'drop', by: 'reason', filter: 'dst_port in (443, 5432)' },
    minutes: day,
  },
  { what: 'ledger, 24 h', path: '/api/ledger', parameters: {}, minutes: day, p95MaxMs: 200 },
]

function filtered(question: Question, filter: string): Question {
  return { ...question, parameters: { ...question.parameters, filter } }
}

function events(what: string, parameters: Query): Question {
  return { ...flows(what, parameters, day), path: '/api/events' }
}

function top(what: string, by: string, minutes: number): Question {
  return { what, path: '/api/top', parameters: { by }, minutes, ...promise(minutes) }
}

function series(what: string, minutes: number): Question {
  return { what, path: '/api/series', parameters: {}, minutes, ...promise(minutes) }
}

function flows(what: string, parameters: Query, minutes: number): Question {
  return {
    what,
    path: '/api/flows',
    parameters: { limit: 200, ...parameters },
    minutes,
    p95MaxMs: 200,
  }
}

function promise(minutes: number): { p95MaxMs?: number } {
  return minutes <= hour ? { p95MaxMs: 200 } : {}
}

/** Milliseconds of every run, or how it was refused. */
interface Times {
  readonly ms: number[]
  refused?: string
  estimates: string
}

/** Each question some times, the answers as they are offered and all exact in turns. */
export async function measureQuestions(
  reader: Reader,
  filled: Filled,
  runs: number,
): Promise<readonly Finding[]> {
  const asOffered = await asker(reader, filled, undefined)
  const allExact = await asker(reader, filled, Number.MAX_SAFE_INTEGER)
  const findings: Finding[] = []
  for (const question of questions) {
    findings.push(await measure(question, asOffered, allExact, runs))
  }
  return findings
}

type Ask = (question: Question) => Promise<{ status: number; estimates: string }>

/** The application over the day; `exactRowsMax` beyond all rows makes every figure exact. */
async function asker(
  reader: Reader,
  { toNs }: Filled,
  exactRowsMax: number | undefined,
): Promise<Ask> {
  const reporter = createReporter('bench', { level: 'silent' })
  const health = () => ({ status: 'ok' as const, version: '', started: '', checks: [], nodes: [] })
  const app = await createApp(
    exactRowsMax === undefined ? {} : { exactRowsMax },
    { reader, health, metrics: reporter.metrics, nowNs: () => toNs },
    reporter,
  )
  return async ({ path, parameters, minutes }) => {
    const from = rfc3339(toNs - BigInt(minutes) * 60_000_000_000n)
    const query = new URLSearchParams({ from, to: rfc3339(toNs) })
    for (const [name, values] of Object.entries(parameters)) {
      for (const value of [values].flat()) query.append(name, String(value))
    }
    const answer = await app.inject({
      url: `${path}?${query}`,
      headers: { host: 'localhost' },
    })
    const { approximate } = answer.json() as { approximate?: object }
    return { status: answer.statusCode, estimates: Object.keys(approximate ?? {}).join(' ') }
  }
}

/** In turns, so that a slow minute of the machine falls on both. */
async function measure(
  question: Question,
  asOffered: Ask,
  allExact: Ask,
  runs: number,
): Promise<Finding> {
  const offered: Times = { ms: [], estimates: '' }
  const exact: Times = { ms: [], estimates: '' }
  for (let run = 0; run < runs; run++) {
    await time(offered, asOffered, question)
    if (offered.estimates !== '' && run < 3) await time(exact, allExact, question)
  }
  const p95 = rank(offered.ms, 0.95)
  const { what, p95MaxMs } = question
  return {
    what,
    value: [shown(offered), ...beside(offered, exact)].join('; '),
    goal: p95MaxMs === undefined ? 'answered' : `p95 ≤ ${p95MaxMs} ms`,
    holds: offered.refused === undefined && (p95MaxMs === undefined || p95 <= p95MaxMs),
  }
}

async function time(times: Times, ask: Ask, question: Question): Promise<void> {
  if (times.refused !== undefined) return
  const begun = performance.now()
  const { status, estimates } = await ask(question)
  times.ms.push(performance.now() - begun)
  times.estimates = estimates
  if (status !== 200) times.refused = String(status)
}

function shown({ ms, refused }: Times): string {
  const text = `p50 ${rank(ms, 0.5).toFixed(0)}, p95 ${rank(ms, 0.95).toFixed(0)} ms`
  return refused === undefined ? text : `refused (${refused}) after ${ms.at(-1)?.toFixed(0)} ms`
}

/** What the estimates win: nothing when there are none. */
function beside(offered: Times, exact: Times): string[] {
  if (offered.estimates === '') return []
  const ratio = rank(offered.ms, 0.5) / rank(exact.ms, 0.5)
  const against = exact.refused === undefined ? ` (ratio ${ratio.toFixed(2)})` : ''
  return [`estimates: ${offered.estimates}; all exact: ${shown(exact)}${against}`]
}
