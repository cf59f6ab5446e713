// The HTTP server as a component: listens when started, knows its address then, ends all requests on stop.

import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { hostname, networkInterfaces } from 'node:os'
import type { FastifyInstance } from 'fastify'
import { type Component, messageOf, type Reporter } from '../common/mod.ts'
import { type AppConfig, type AppDeps, createApp } from './app.ts'
import { apiError } from './errors.ts'

export interface HttpConfig extends AppConfig {
  readonly host: string
  /** 0 takes any free port. */
  readonly port: number
  /** Where the same is answered as well. */
  readonly also?: readonly Endpoint[]
}

export interface Endpoint {
  readonly host: string
  readonly port: number
}

export interface Http extends Component {
  /** Where it listens; only between start and stop. */
  address(): { readonly host: string; readonly port: number; readonly url: string }
  /** The other addresses, in the order of `also`. */
  also(): readonly Endpoint[]
}

/**
 * The API and the page on `config.host:config.port`. Errors at start: `port_taken`, `listen_refused`.
 * `deps.reader` answers SQL, `deps.health` tells how the process is, `deps.metrics` gives its figures.
 */
export function createHttp(config: HttpConfig, deps: AppDeps, reporter: Reporter): Http {
  let app: FastifyInstance | undefined
  const others: Server[] = []

  async function start(): Promise<void> {
    const { also = [] } = config
    const names = [config, ...also].flatMap(({ host }) => namesOf(host))
    app = await createApp({ ...config, hosts: [...(config.hosts ?? []), ...names] }, deps, reporter)
    let endpoint: Endpoint = config
    try {
      await app.listen({ host: config.host, port: config.port })
      for (endpoint of also) others.push(await listenBeside(app, endpoint))
    } catch (error) {
      await stop()
      throw listenError(endpoint, error)
    }
  }

  async function stop(): Promise<void> {
    for (const server of others) server.close()
    await app?.close()
    for (const server of others.splice(0)) server.closeAllConnections()
    app = undefined
  }

  function address() {
    const bound = app?.server.address() as AddressInfo | null | undefined
    if (!bound) throw new Error('the HTTP server is not listening')
    const { address: host, port } = bound
    return { host, port, url: `http://${host.includes(':') ? `[${host}]` : host}:${port}` }
  }

  function also(): readonly Endpoint[] {
    return others.map((server) => {
      const { address: host, port } = server.address() as AddressInfo
      return { host, port }
    })
  }

  return { name: 'http', start, stop, address, also }
}

/** A server of the same routes, with the time limits of the first. */
async function listenBeside(app: FastifyInstance, { host, port }: Endpoint): Promise<Server> {
  const { requestTimeout, headersTimeout, keepAliveTimeout, timeout } = app.server
  const server = createServer((request, response) => app.routing(request, response))
  Object.assign(server, { requestTimeout, headersTimeout, keepAliveTimeout, timeout })
  server.listen(port, host)
  await once(server, 'listening')
  return server
}

/** What this host is called by those who reach it there: of a wildcard address, all its own. */
function namesOf(host: string): readonly string[] {
  if (host !== '0.0.0.0' && host !== '::') return [host]
  const interfaces = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? [])
  return [hostname(), ...interfaces.map(({ address }) => address)]
}

function listenError({ host, port }: Endpoint, error: unknown) {
  if ((error as NodeJS.ErrnoException).code === 'EADDRINUSE') {
    return apiError('port_taken', { details: { host, port }, cause: error })
  }
  const reason = messageOf(error)
  return apiError('listen_refused', { details: { host, port, reason }, cause: error })
}
