// The HTTP application without a socket: tests ask it in memory, the OpenAPI document is read off it.

import fastifySwagger from '@fastify/swagger'
import fastifySwaggerUi from '@fastify/swagger-ui'
import fastify, { type FastifyError, type FastifyInstance, type FastifyRequest } from 'fastify'
import { AppError, messageOf, type Reporter } from '../common/mod.ts'
import { badQuery, type Violation } from './bad-query.ts'
import { type ErrorBody, errorBody } from './contract/mod.ts'
import { apiError } from './errors.ts'
import { answerLostBrowser, servePage } from './page.ts'
import { createAsk } from './routes/ask.ts'
import type { RouteDeps } from './routes/deps.ts'
import { flowsRoute } from './routes/flows.ts'
import { ledgerRoute } from './routes/ledger.ts'
import { errorSchemaId } from './routes/responses.ts'
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
}

export type AppDeps = Omit<RouteDeps, 'ask' | 'nowNs'> & Partial<Pick<RouteDeps, 'nowNs'>>

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
  })
  app.setValidatorCompiler(createValidatorCompiler())
  // Rows are already what the schemas say; a test validates the answers against them.
  app.setSerializerCompiler(() => (answer) => JSON.stringify(answer))
  secure(app, config.hosts ?? [])
  answerErrors(app, config.webDir, reporter)
  await describeApi(app)
  const bounds = config.exactRowsMax === undefined ? {} : { exactRowsMax: config.exactRowsMax }
  const ask = createAsk(config.questionsMax ?? 32, bounds)
  const nowNs = deps.nowNs ?? (() => BigInt(Date.now()) * 1_000_000n)
  const routeDeps = { ...deps, ask, nowNs }
  for (const route of [flowsRoute, topRoute, seriesRoute, ledgerRoute, statusRoutes]) {
    route(app, routeDeps)
  }
  await servePage(app, config.webDir)
  return app
}

async function describeApi(app: FastifyInstance): Promise<void> {
  app.addSchema({ $id: errorSchemaId, ...errorBody })
  await app.register(fastifySwagger, {
    refResolver: { buildLocalReference: (schema) => String(schema['$id']) },
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Weir',
        version: '1',
        description: 'Every connection of every process, exactly, and what was missed.',
      },
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
  const schema = request.routeOptions.schema?.querystring as { properties?: object } | undefined
  return Object.keys(schema?.properties ?? {})
}

function bodyOf({ code, message, remedy, details }: AppError): ErrorBody {
  const { hint: _, ...rest } = details
  return { error: { code, message, remedy, details: rest } }
}
