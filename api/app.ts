// The HTTP application without a socket: tests ask it in memory, the OpenAPI document is read off it.

import fastifySwagger from '@fastify/swagger'
import fastifySwaggerUi from '@fastify/swagger-ui'
import fastify, { type FastifyError, type FastifyInstance, type FastifyRequest } from 'fastify'
import { AppError, messageOf, type Reporter } from '../common/mod.ts'
import { createSharedReads, type Reader } from '../store/mod.ts'
import { compressAnswers } from './answer/compress.ts'
import { holdWhatIsSent } from './answer/hold.ts'
import { answerUnreadable } from './answer/unreadable.ts'
import { badQuery, type Violation } from './bad-query.ts'
import { errorBody } from './contract/mod.ts'
import { apiError, bodyOf } from './errors.ts'
import type { LiveConfig, LiveSource } from './live/live.ts'
import { monitorIngestRoute, type TakeRows } from './monitor/ingest.ts'
import { monitorRoutes } from './monitor/routes.ts'
import { answerLostBrowser, servePage } from './page.ts'
import { type AskConfig, createAsk } from './routes/ask.ts'
import type { RouteDeps } from './routes/deps.ts'
import { eventGroupsRoute, eventStepsRoute } from './routes/event-groups.ts'
import { eventsRoute } from './routes/events.ts'
import { exportRoutes } from './routes/export.ts'
import { filterRoute } from './routes/filter.ts'
import { flowsRoute } from './routes/flows.ts'
import { graphRoute } from './routes/graph.ts'
import { ledgerRoute } from './routes/ledger.ts'
import { liveRoute } from './routes/live.ts'
import { programsRoute } from './routes/programs.ts'
import { errorSchemaId } from './routes/responses.ts'
import { rulesRoute } from './routes/rules.ts'
import { seriesRoute } from './routes/series.ts'
import { statusRoutes } from './routes/status.ts'
import { topRoute } from './routes/top.ts'
import { docsPolicy, secure } from './security.ts'
import { createValidatorCompiler } from './validation.ts'

export interface AppConfig {
  /** Folder of the built page. */
  readonly webDir?: string
  /** Names and addresses that requests may come to, beside the loopback ones. */
  readonly hosts?: readonly string[]
  /** Questions to the store at a time, 32 when not given; beyond: 503. */
  readonly questionsMax?: number
  /** Rows of a question up to which distinct counts and percentiles are exact, 5,000,000 when not given. */
  readonly exactRowsMax?: number
  /** How long a question waits for memory that slow readers hold: 10 s when not given; then 503. */
  readonly answerWaitMs?: number
  /** A client that takes nothing of its answer for so long is cut off: 30 s when not given. */
  readonly readerStallMs?: number
  readonly live?: LiveConfig
}

export type AppDeps = Omit<RouteDeps, 'ask' | 'nowNs'> &
  Partial<Pick<RouteDeps, 'nowNs'>> & {
    /** Rows as they become durable; without it nothing is live. */
    readonly live?: LiveSource
    /** Stores rows that come by HTTP; without it there is no route for them. */
    readonly take?: TakeRows
  }

/** The API and the page without a socket; answers `inject`, or listens by createHttp. Errors: none of its own. */
export async function createApp(
  config: AppConfig,
  deps: AppDeps,
  reporter: Reporter,
): Promise<FastifyInstance> {
  const app = fastify({
    logger: false,
    bodyLimit: 1024,
    requestTimeout: 10_000,
    forceCloseConnections: true,
    clientErrorHandler: answerUnreadable,
  })
  app.setValidatorCompiler(createValidatorCompiler())
  // Rows are already what the schemas say; a test validates the answers against them.
  app.setSerializerCompiler(() => (answer) => JSON.stringify(answer))
  secure(app, config.hosts ?? [])
  answerErrors(app, config.webDir, reporter)
  await describeApi(app)
  compressAnswers(app)
  holdWhatIsSent(app)
  const nowNs = wholeSeconds(deps.nowNs ?? (() => BigInt(Date.now()) * 1_000_000n))
  const revision = () => deps.reader.revision?.()
  const fresh = async () => deps.reader.fresh?.()
  const ask = createAsk(askConfig(config), { fresh, revision, nowNs }, reporter)
  const routeDeps = { ...deps, reader: shared(deps.reader), ask, nowNs }
  for (const route of [
    eventGroupsRoute,
    eventStepsRoute,
    filterRoute,
    flowsRoute,
    eventsRoute,
    exportRoutes,
    monitorRoutes,
    topRoute,
    graphRoute,
    seriesRoute,
    ledgerRoute,
    programsRoute,
    rulesRoute,
    statusRoutes,
  ]) {
    route(app, routeDeps)
  }
  const source = deps.live ?? nothingLive
  liveRoute(app, config.live ?? {}, { source, nowNs }, reporter)
  if (deps.take) monitorIngestRoute(app, { take: deps.take, nowNs })
  await servePage(app, config.webDir)
  return app
}

const nothingLive: LiveSource = () => () => undefined

const mib = 1024 * 1024

function askConfig(config: AppConfig): AskConfig {
  return {
    questionsMax: config.questionsMax ?? 32,
    bounds: config.exactRowsMax === undefined ? {} : { exactRowsMax: config.exactRowsMax },
    largeBytesMax: 120 * mib,
    smallBytesMax: 64 * mib,
    waitMs: config.answerWaitMs ?? 10_000,
    stallMs: config.readerStallMs ?? 30_000,
  }
}

/** All questions of one second have one `now`, its end: what they share is then asked once. */
function wholeSeconds(nowNs: () => bigint): () => bigint {
  const secondNs = 1_000_000_000n
  return () => ((nowNs() + secondNs - 1n) / secondNs) * secondNs
}

function shared(reader: Reader): Reader {
  const { revision } = reader
  return revision ? { read: createSharedReads(reader.read, revision), revision } : reader
}

/** `get`, `/api/events/top` → `getApiEventsTop`. */
function operationId(method: string, url: string): string {
  const words = url.split(/\W+/).filter((word) => word !== '')
  return method.toLowerCase() + words.map((word) => word[0]!.toUpperCase() + word.slice(1)).join('')
}

async function describeApi(app: FastifyInstance): Promise<void> {
  app.addSchema({ $id: errorSchemaId, ...errorBody })
  await app.register(fastifySwagger, {
    refResolver: { buildLocalReference: (schema) => String(schema['$id']) },
    transform: ({ schema, url, route }) => ({
      url,
      schema: { ...schema, operationId: operationId(String(route.method), url) },
    }),
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Weir',
        version: '1',
        description: 'Every connection of every process, exactly, and what was missed.',
        license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
      },
      servers: [{ url: '/' }],
      // Nobody is asked who they are: it listens on loopback, or where --insecure says so.
      security: [],
    },
  })
  await app.register(fastifySwaggerUi, {
    routePrefix: '/docs',
    staticCSP: docsPolicy,
    uiConfig: { layout: 'BaseLayout' },
    theme: { title: 'Weir API' },
  })
  app.get('/openapi.json', { schema: { hide: true } }, () => app.swagger())
}

function answerErrors(app: FastifyInstance, webDir: string | undefined, reporter: Reporter): void {
  const answered = reporter.counter('requests', 'Requests answered, by the class of their status.')
  app.addHook('onResponse', async (_, reply) => {
    answered.add(1, `${Math.floor(reply.statusCode / 100)}xx`)
  })
  app.setErrorHandler((error, request, reply) => {
    const known = knownError(error as FastifyError, request)
    if (known.status === 500) reporter.log.error({ err: error, url: request.url }, 'answering')
    return reply.status(known.status).type('application/json').send(bodyOf(known))
  })
  app.setNotFoundHandler(async (request, reply) => {
    if (await answerLostBrowser(request, reply, webDir)) return reply
    const { method } = request
    const isRead = method === 'GET' || method === 'HEAD'
    const path = request.url.split('?')[0]?.slice(0, 200) ?? ''
    const error = isRead
      ? apiError('not_found', { details: { path } })
      : apiError('method_not_allowed', { details: { method } })
    return reply.status(error.status).type('application/json').send(bodyOf(error))
  })
}

function knownError(error: FastifyError, request: FastifyRequest): AppError {
  if (error instanceof AppError) return error
  const violation = error.validation?.[0] as Violation | undefined
  if (violation) return badQuery(violation, request, parametersOf(request))
  if (error.statusCode !== undefined && error.statusCode < 500) {
    return apiError('bad_request', { details: { reason: messageOf(error) }, cause: error })
  }
  return apiError('internal', { cause: error })
}

function parametersOf(request: FastifyRequest): readonly string[] {
  const { querystring, body } = request.routeOptions.schema ?? {}
  const schema = (querystring ?? body) as { properties?: object } | undefined
  return Object.keys(schema?.properties ?? {})
}
