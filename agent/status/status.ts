// /metrics and /health of an agent that runs alone.

import { once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { metricsAnswer } from '../../common/exposition/mod.ts'
import type { Component, Reporter } from '../../common/mod.ts'

export function createStatus(
  listen: { readonly host: string; readonly port: number },
  health: () => { readonly status: string },
  reporter: Reporter,
): Component {
  // An import statement of node:http also reads its lazy exports, and with them loads undici and http2: 12 MB
  // resident (docs/design/004-memory.md). An agent without metrics loads nothing of it.
  const { createServer } = process.getBuiltinModule('node:http')
  const server = createServer(async (request, response) => {
    const path = request.url?.split('?')[0]
    if (path === '/metrics') {
      await sendMetrics(request, response, reporter)
    } else if (path === '/health') {
      response.setHeader('content-type', 'application/json')
      const said = health()
      const isWell = said.status === 'ok'
      response.statusCode = isWell ? 200 : 503
      response.end(JSON.stringify({ ...said, status: isWell ? 'healthy' : 'unhealthy' }))
    } else {
      response.statusCode = 404
      response.end('Weir agent: /metrics, /health\n')
    }
  })
  return {
    name: 'status',
    start: async () => {
      server.listen(listen.port, listen.host)
      await once(server, 'listening')
    },
    stop: () => {
      server.closeAllConnections()
      server.close()
    },
  }
}

/** Ends when the reader goes: a scrape that nobody waits for is not written on. */
export async function sendMetrics(
  request: IncomingMessage,
  response: ServerResponse,
  reporter: Pick<Reporter, 'metrics'>,
): Promise<void> {
  const metrics = await reporter.metrics(request.headers.accept)
  const { headers, body } = metricsAnswer(metrics, String(request.headers['accept-encoding'] ?? ''))
  response.writeHead(200, headers)
  body.pipe(response)
  response.on('close', () => body.destroy())
}
