// One process, or a few ports, of this host at /metrics: reference system 003 with right numbers. The agent's stages in
// memory alone (local.ts), and the table of sidecar metrics instead of a spool.

import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import type { Component, Reporter } from '../common/mod.ts'
import { createSeriesSet, sidecarMetrics } from '../wire/mod.ts'
import { agentError } from './errors.ts'
import { createLocalAgent, type LocalAgentConfig } from './local.ts'
import { sendMetrics } from './status/status.ts'

export interface SidecarConfig extends LocalAgentConfig {
  readonly listen: { readonly host: string; readonly port: number }
  /** Per family; what is beyond is one series `other`. */
  readonly seriesMax: number
  /** Closed connections keep their last values for so long. */
  readonly expiryMs: number
}

export interface Sidecar extends Component {
  /** Only after start. */
  address(): { readonly host: string; readonly port: number }
}

/** Errors at start: `metrics_port_taken`, and those of the probe. */
export function createSidecar(config: SidecarConfig, reporter: Reporter): Sidecar {
  const { listen, seriesMax, expiryMs } = config
  const choice = { dialect: 'obi', labels: [], seriesMax, expiryMs } as const
  const series = createSeriesSet({ ...choice, metrics: sidecarMetrics })
  reporter.families(() => series.families(Date.now()))
  const agent = createLocalAgent({ ...config, connectionEvents: 'off' }, reporter, (batch) =>
    series.take(batch, Date.now()),
  )
  const { createServer } = process.getBuiltinModule('node:http')
  const server = createServer(async (request, response) => {
    const path = request.url?.split('?')[0]
    if (path === '/metrics') await sendMetrics(request, response, reporter)
    else {
      const isHealth = path === '/health' || path === '/healthz' || path === '/readyz'
      response.writeHead(isHealth ? 200 : 404, { 'content-type': 'text/plain' })
      response.end(isHealth ? 'OK' : 'weir sidecar: /metrics, /health\n')
    }
  })

  async function start(): Promise<void> {
    server.listen(listen.port, listen.host)
    await once(server, 'listening').catch((cause) => {
      throw agentError('metrics_port_taken', { details: listen, cause })
    })
    try {
      await agent.start()
    } catch (error) {
      await stop()
      throw error
    }
  }

  async function stop(): Promise<void> {
    server.close()
    server.closeAllConnections()
    await agent.stop()
  }

  return {
    name: 'sidecar',
    start,
    stop,
    address: () => {
      const { address, port } = server.address() as AddressInfo
      return { host: address, port }
    },
  }
}
