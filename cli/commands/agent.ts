// `weir agent`: measures this host and sends the rows to a central.

import { hostname } from 'node:os'
import { resolve } from 'node:path'
import { createLifecycle, runUntilSignal } from '../../common/mod.ts'
import { createReporter } from '../../common/reporter/mod.ts'
import { cliError } from '../errors.ts'
import { endpointOf } from '../parse/arguments.ts'
import { insecureFlag, listenOf } from '../parse/loopback.ts'
import { type Command, note, type Terminal, type Values } from './command.ts'
import { dataFlag, intervalFlag, nodeFlag, scopeFlags, scopeOf } from './process-flags.ts'
import { checkLimits } from './process-limits.ts'

const stopDeadlineMs = 10_000

export const agentCommand: Command = {
  name: 'agent',
  summary: 'Measures this host and sends the rows to a central.',
  description:
    'Rows wait in DATA/spool while the central is away. Ends like every process that loads probes: the kernel forgets them.',
  flags: [
    dataFlag,
    {
      name: 'upstream',
      kind: 'text',
      metavar: 'unix:PATH|ADDR:PORT',
      default: '127.0.0.1:50051',
      env: 'WEIR_UPSTREAM',
      help: 'The central that takes the rows.',
    },
    nodeFlag,
    intervalFlag,
    ...scopeFlags,
    {
      name: 'metrics',
      kind: 'text',
      metavar: 'off|ADDR:PORT',
      default: '127.0.0.1:9090',
      env: 'WEIR_METRICS',
      help: 'Where /metrics and /health of the agent itself are.',
    },
    insecureFlag,
  ],
  examples: [
    { command: 'weir agent', what: 'send to a central on this machine' },
    { command: 'weir agent --upstream unix:/var/lib/weir/ingest.sock', what: 'by its socket' },
  ],
  run,
}

async function run(values: Values, terminal: Terminal): Promise<number> {
  checkLimits()
  const config = {
    dataDir: resolve(values.text('data') ?? ''),
    node: values.text('node') || hostname(),
    intervalMs: values.durationMs('interval') ?? 0,
    upstream: upstreamOf(values.text('upstream') ?? ''),
    filter: scopeOf('agent', values),
    ...metricsOf(values),
  }
  const reporter = createReporter('agent')
  const { createAgent } = await import('../../agent/mod.ts')
  const agent = createAgent(config, reporter)
  const announce = {
    name: 'announce',
    start: () => {
      const waits = agent.health().message
      if (process.send) process.send({ type: 'ready', programs: agent.programs(), waits })
      else if (waits) note(terminal, `Weir agent waits: ${waits}`)
      else note(terminal, `Weir agent is running: rows go to ${values.text('upstream')}`)
    },
    stop: () => {},
  }
  await runUntilSignal(createLifecycle([agent, announce], { reporter, stopDeadlineMs }))
  return 0
}

function upstreamOf(value: string): { path: string } | { host: string; port: number } {
  if (value.startsWith('unix:') && value.length > 5) return { path: resolve(value.slice(5)) }
  const endpoint = endpointOf(value)
  if (endpoint) return endpoint
  const expected = 'unix:PATH or ADDR:PORT'
  throw cliError('bad_value', {
    details: { command: 'agent', name: '--upstream', value, expected },
  })
}

function metricsOf(values: Values): { metrics?: { host: string; port: number } } {
  const value = values.text('metrics') ?? ''
  if (value === 'off') return {}
  if (endpointOf(value)) return { metrics: listenOf(values, 'metrics') }
  const expected = 'off or ADDR:PORT'
  throw cliError('bad_value', { details: { command: 'agent', name: '--metrics', value, expected } })
}
