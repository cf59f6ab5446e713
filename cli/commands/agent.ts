// `weir agent`: measures this host and sends the rows to a central.

import { resolve } from 'node:path'
import type { Agent, AgentConfig, ConnectionEventChoice, xdp } from '../../agent/mod.ts'
import { createLifecycle, runUntilSignal } from '../../common/mod.ts'
import { createReporter } from '../../common/reporter/mod.ts'
import { parseAgentFilter } from '../../wire/mod.ts'
import { interfaceFlags, interfacesOf } from '../parse/interfaces.ts'
import { insecureFlag, listenUnless } from '../parse/loopback.ts'
import { logLine } from '../render/packet-lines.ts'
import { failedLines, watchedLines } from '../render/watched.ts'
import { type Command, note, print, type Terminal, type Values } from './command.ts'
import { createProtector, type ProtectorConfig } from './keep-protected.ts'
import { echoFlag, packetFlags, packetsOf } from './packet-flags.ts'
import {
  agentFilterFlag,
  configFlag,
  connectionEventsFlag,
  dataFlag,
  intervalFlag,
  logLevelFlag,
  metricsFlag,
  nodeFlag,
  scopeFlags,
  scopeOf,
  seriesFlags,
  seriesOf,
  spoolFlags,
  upstreamFlag,
  upstreamOf,
} from './process-flags.ts'
import { checkLimits } from './process-limits.ts'

type XdpEvent = xdp.XdpEvent

const stopDeadlineMs = 10_000

export const agentCommand: Command = {
  name: 'agent',
  summary: 'Measures this host and sends the rows to a central.',
  description:
    'Rows wait in DATA/spool while the central is away. Ends like every process that loads probes: the kernel forgets them.',
  flags: [
    configFlag,
    dataFlag,
    upstreamFlag,
    nodeFlag,
    intervalFlag,
    ...scopeFlags,
    ...interfaceFlags,
    agentFilterFlag,
    connectionEventsFlag,
    ...packetFlags,
    echoFlag,
    metricsFlag,
    insecureFlag,
    logLevelFlag,
    ...seriesFlags,
    ...spoolFlags,
  ],
  readsConfig: true,
  examples: [
    { command: 'weir agent', what: 'send to a central on this machine' },
    {
      command: 'weir agent --interface all --interface !lo',
      what: 'also count what interfaces carry',
    },
    { command: 'weir agent --upstream unix:/var/lib/weir/ingest.sock', what: 'by its socket' },
    {
      command: 'weir agent --xdp eth0 --xdp-sample 100',
      what: 'one received packet in 100 as an event',
    },
  ],
  run,
}

async function run(values: Values, terminal: Terminal): Promise<number> {
  checkLimits()
  const config = configOf(values)
  const reporter = createReporter('agent', { level: values.text('log-level') ?? 'info' })
  const { createAgent, xdp } = await import('../../agent/mod.ts')
  const echo = (event: XdpEvent) => print(terminal, logLine(event, xdp.bootToWallNs()))
  const agent = createAgent(
    values.on('xdp-echo') ? { ...config, onPacket: echo } : config,
    reporter,
  )
  const protector = createProtector(terminal, protectorOf(values, config, agent), reporter)
  const announce = {
    name: 'announce',
    start: () => {
      const waits = agent.health().message
      const interfaces = agent.interfaces()
      protector.say()
      const [probes, failed] = [agent.probes(), agent.failedProbes()]
      if (process.send) {
        process.send({
          type: 'ready',
          probes,
          failed,
          interfaces,
          waits: probes.length > 0 ? '' : waits,
        })
      } else if (probes.length === 0) note(terminal, `Weir agent waits: ${waits}`)
      else {
        note(terminal, `Weir agent is running: rows go to ${values.text('upstream')}`)
        for (const line of failedLines(failed)) note(terminal, line)
        for (const line of watchedLines(interfaces)) note(terminal, line)
      }
    },
    stop: () => {},
  }
  await runUntilSignal(createLifecycle([protector, agent, announce], { reporter, stopDeadlineMs }))
  return 0
}

function protectorOf(
  values: Values,
  { upstream, metrics }: AgentConfig,
  agent: Agent,
): ProtectorConfig {
  const notice = () => ({
    ports: metrics && metrics.port > 0 ? [metrics.port] : [],
    ...('host' in upstream ? { upstream } : {}),
    interfaces: agent.interfaces(),
  })
  return { root: values.text('pin-root') ?? '', notice }
}

function configOf(values: Values): AgentConfig {
  const upstream = upstreamOf(values.text('upstream') ?? '')
  if (!upstream) throw new Error('--upstream was not checked')
  const filter = values.text('filter')
  const metrics = listenUnless(values, metricsFlag)
  const xdp = packetsOf(values)
  return {
    dataDir: resolve(values.text('data') ?? ''),
    node: values.text('node') ?? '',
    intervalMs: values.durationMs('interval') ?? 0,
    upstream,
    filter: { ...scopeOf('agent', values), ...interfacesOf(values) },
    ...(filter === undefined ? {} : { rowFilter: parseAgentFilter(filter) }),
    connectionEvents: values.text('connection-events') as ConnectionEventChoice,
    ...(xdp && { xdp }),
    pinRoot: values.text('pin-root') ?? '',
    spool: {
      ageMaxMs: values.durationMs('spool-age') ?? 0,
      octetsMax: values.octets('spool-bytes') ?? 0,
    },
    ...(metrics ? { metrics, series: seriesOf(values) } : {}),
  }
}
