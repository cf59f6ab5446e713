// The HTTP server as a component: listens when started, knows its address then, ends all requests on stop.

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
}

export interface Http extends Component {
  /** Where it listens; only between start and stop. */
  address(): { readonly host: string; readonly port: number; readonly url: string }
}

/**
 * The API and the page on `config.host:config.port`. Errors at start: `port_taken`, `listen_refused`.
 * `deps.reader` answers SQL, `deps.health` tells how the process is, `deps.metrics` gives its figures.
 */
export function createHttp(config: HttpConfig, deps: AppDeps, reporter: Reporter): Http {
  let app: FastifyInstance | undefined

  async function start(): Promise<void> {
    const hosts = [...(config.hosts ?? []), ...namesOf(config.host)]
    app = await createApp({ ...config, hosts }, deps, reporter)
    try {
      await app.listen({ host: config.host, port: config.port })
    } catch (error) {
      await stop()
      throw listenError(config, error)
    }
  }

  async function stop(): Promise<void> {
    await app?.close()
    app = undefined
  }

  function address() {
    const bound = app?.server.address() as AddressInfo | null | undefined
    if (!bound) throw new Error('the HTTP server is not listening')
    const { address: host, port } = bound
    return { host, port, url: `http://${host.includes(':') ? `[${host}]` : host}:${port}` }
  }

  return { name: 'http', start, stop, address }
}

/** What this host is called by those who reach it there: of a wildcard address, all its own. */
function namesOf(host: string): readonly string[] {
  if (host !== '0.0.0.0' && host !== '::') return [host]
  const interfaces = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? [])
  return [hostname(), ...interfaces.map(({ address }) => address)]
}

function listenError(config: HttpConfig, error: unknown) {
  const { host, port } = config
  if ((error as NodeJS.ErrnoException).code === 'EADDRINUSE') {
    return apiError('port_taken', { details: { host, port }, cause: error })
  }
  const reason = messageOf(error)
  return apiError('listen_refused', { details: { host, port, reason }, cause: error })
}
