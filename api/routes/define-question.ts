// A question about the rows of one table: what every such route has in common. It takes a range and filters, answers
// within the bounds of `ask`, and says how much of the truth its answer is. A route states only what is its own.

import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { TObject, TSchema } from 'typebox'
import type { Reader } from '../../store/mod.ts'
import {
  type Coverage,
  type FlowsScope,
  type QuestionOptions,
  readCoverage,
  readWatch,
} from '../../store/query/mod.ts'
import { allOf, everything, flowTable, type Table } from '../../wire/mod.ts'
import { filterOf } from '../question/filters.ts'
import { ageFilters, openRange } from '../question/open.ts'
import type { Query } from '../question/query.ts'
import { type Moment, momentOf } from '../question/time.ts'
import type { RouteDeps } from './deps.ts'
import { responses } from './responses.ts'

/** What was asked, as the store understands it. */
export interface Asked extends FlowsScope {
  readonly query: Query
  readonly nowNs: bigint
  readonly reader: Reader
  readonly options: QuestionOptions
}

interface Envelope {
  readonly next: string | null
  readonly coverage: Coverage
}

export interface QuestionRoute<Answer extends Envelope> {
  readonly path: string
  readonly summary: string
  readonly tag: 'flows' | 'events' | 'truth'
  readonly parameters: TObject
  readonly answer: TSchema
  /** Rows of the largest answer, 100 when not given: what its memory is reserved for. */
  readonly rowsMax?: (query: Query) => number
  /** When an earlier page fixed the range and what `now` is. */
  readonly moment?: (query: Query) => Moment | undefined
  /** The answer without `next` (null then) and `coverage` (of the whole range then), or with its own. */
  readonly read: (
    asked: Asked,
  ) => Promise<Omit<Answer, keyof Envelope> & Partial<Pick<Answer, keyof Envelope>>>
  /** `read` gives the coverage: it is not read once more. */
  readonly coversItself?: true
}

/** The route as the application registers it. */
export function defineQuestion<Answer extends Envelope>(
  table: Table,
  route: QuestionRoute<Answer>,
): (app: FastifyInstance, deps: RouteDeps) => void {
  const schema = {
    summary: route.summary,
    tags: [route.tag],
    querystring: route.parameters,
    response: responses(route.answer),
  }
  return (app, deps) => {
    app.get(route.path, { schema }, answering(table, route, deps))
  }
}

/** What answers a request with a validated query string. */
export type Answering = (request: FastifyRequest, reply: FastifyReply) => Promise<unknown>

/** The handler alone, for a route whose parameters choose between two answers. */
export function answering<Answer extends Envelope>(
  table: Table,
  route: Omit<QuestionRoute<Answer>, 'path' | 'summary' | 'tag' | 'parameters' | 'answer'>,
  { reader, ask, nowNs }: RouteDeps,
): Answering {
  /** Of rows about Weir itself nothing is lost that would not show in flows. */
  const covered = table.measured ? table : flowTable
  return (request, reply) => {
    const query = request.query as Query
    const answer = async (options: QuestionOptions) => {
      const moment = route.moment?.(query) ?? (await firstMoment(query, options))
      const { range } = moment
      const filter = allOf([filterOf(table, query, moment.nowNs), ...ageFilters(query, range)])
      const open = query['open'] === true ? { open: range } : {}
      const asked: Asked = { ...moment, ...open, query, filter, reader, options }
      const [own, coverage] = await Promise.all([
        route.read(asked),
        route.coversItself
          ? undefined
          : readCoverage(reader, { ...asked, table: covered }, options),
      ])
      return { next: null, coverage, ...own }
    }
    return ask(reply, answer, route.rowsMax?.(query))
  }

  /** Open connections are looked for in the end of the range alone; the cursor keeps what that is. */
  async function firstMoment(query: Query, options: QuestionOptions): Promise<Moment> {
    const moment = momentOf(query, nowNs())
    if (query['open'] !== true) return moment
    const { intervalNs } = await readWatch(reader, { ...moment, filter: everything }, options)
    return { ...moment, range: openRange(moment.range, intervalNs) }
  }
}

/** Of a route with the parameter `limit`. */
export function limitOf(query: Query): number {
  return query['limit'] as number
}
