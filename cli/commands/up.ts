// `weir up`: everything on this host in one go: central with its store and page, and an agent, under one
// supervisor. The children are `weir central` and `weir agent`; this process only keeps them alive.

import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { FailedProbe, InterfaceReport } from '../../agent/mod.ts'
import { makeFolder, messageOf } from '../../common/mod.ts'
import { createReporter } from '../../common/reporter/mod.ts'
import { cliError } from '../errors.ts'
import { interfaceFlags } from '../parse/interfaces.ts'
import { insecureFlag, listenOf, listensOf, listenUnless } from '../parse/loopback.ts'
import { failedLines, watchedLines } from '../render/watched.ts'
import { type ChildSpec, createSupervisor, type ReadyMessage } from '../supervisor/supervisor.ts'
import { agentCommand } from './agent.ts'
import { centralCommand } from './central.ts'
import { type Command, note, print, type Terminal, type Values } from './command.ts'
import { nextSteps } from './examples.ts'
import { intakeFlags, intakeOf } from './intake-flags.ts'
import { packetFlags } from './packet-flags.ts'
import {
  agentFilterFlag,
  alsoListenFlag,
  configFlag,
  connectionEventsFlag,
  dataFlag,
  ingestFlag,
  intervalFlag,
  listenFlag,
  logLevelFlag,
  metricsFlag,
  nodeFlag,
  retentionFlags,
  scopeFlags,
  scopeOf,
  seriesFlags,
  spoolFlags,
  telemetryAllowFlag,
} from './process-flags.ts'
import { checkLimits } from './process-limits.ts'

const entry = fileURLToPath(new URL('../main.ts', import.meta.url))

export const upCommand: Command = {
  name: 'up',
  summary: 'Measures this host and serves the page: agent, central and store in one go.',
  description:
    'Starts the processes, starts one again that dies, and stops them all on Ctrl-C, which leaves nothing in the kernel. Only the port of the page is opened.',
  flags: [
    configFlag,
    dataFlag,
    listenFlag,
    alsoListenFlag,
    { ...ingestFlag, default: 'unix' },
    telemetryAllowFlag,
    nodeFlag,
    intervalFlag,
    ...scopeFlags,
    ...interfaceFlags,
    agentFilterFlag,
    connectionEventsFlag,
    ...packetFlags,
    { ...metricsFlag, default: 'off' },
    insecureFlag,
    logLevelFlag,
    ...intakeFlags,
    ...seriesFlags,
    ...retentionFlags,
    ...spoolFlags,
  ],
  readsConfig: true,
  examples: [
    { command: 'weir up', what: 'measure this host; the page is on http://127.0.0.1:8080' },
    { command: 'weir up --interface eth0', what: 'count every packet of an interface too' },
    {
      command: 'weir up --listen 127.0.0.1:0 --data ./data',
      what: 'any free port, another folder',
    },
  ],
  run,
}

async function run(values: Values, terminal: Terminal): Promise<number> {
  const dataDir = resolve(values.text('data') ?? '')
  listenOf(values, 'listen')
  listensOf(values, 'also-listen')
  listenUnless(values, ingestFlag)
  listenUnless(values, metricsFlag)
  intakeOf(values)
  if (values.config?.values.has('agent.upstream')) {
    note(
      terminal,
      'weir up: agent.upstream of the configuration file is not used: the agent sends to the central beside it',
    )
  }
  scopeOf('up', values)
  checkLimits()
  makeData(dataDir)
  const stopped = stopSignal()
  await checkHost()
  const children = childrenOf(values, dataDir, await settledPort(values))
  const supervisor = createSupervisor(
    children,
    createReporter('supervisor', { level: values.text('log-level') ?? 'info' }),
  )
  const started = await Promise.race([supervisor.start(), stopped])
  if (started === undefined || 'exitCode' in started) {
    await supervisor.stop()
    return started?.exitCode ?? 0
  }
  announce(terminal, started, dataDir)
  await stopped
  await supervisor.stop()
  return 0
}

/** Before the children, so that a folder that cannot be had is an error of `up`. */
function makeData(folder: string): void {
  try {
    makeFolder(folder)
  } catch (cause) {
    const reason = messageOf(cause)
    throw cliError('data_folder_unwritable', { details: { folder, reason }, cause })
  }
}

/** Without any probe Weir has nothing to show, so the host comes first. */
async function checkHost(): Promise<void> {
  const { doctor } = await import('../../agent/mod.ts')
  const { probes } = doctor()
  const [first] = probes
  if (first && probes.every(({ state }) => state === 'unavailable')) {
    const { why, remedy } = first
    throw cliError('probe_unavailable', { details: { why, remedy } })
  }
}

/** Any free port is chosen here and once, so that the address stays true when central is started again. */
async function settledPort(values: Values): Promise<string> {
  const { host, port } = listenOf(values, 'listen')
  const asked = values.text('listen') ?? ''
  if (port !== 0) return asked
  const server = createServer().listen(0, host)
  const listening = await once(server, 'listening').catch(() => undefined)
  if (!listening) return asked // An address that cannot be had: central says so in its own words.
  const chosen = (server.address() as AddressInfo).port
  server.close()
  await once(server, 'close')
  return `${host.includes(':') ? `[${host}]` : host}:${chosen}`
}

/** Central first: it finds out whether the data folder and the port are free. */
function childrenOf(values: Values, dataDir: string, endpoint: string): readonly ChildSpec[] {
  const beforeStart = () => makeData(dataDir)
  const settled = { data: dataDir, listen: endpoint, upstream: `unix:${dataDir}/ingest.sock` }
  const argsOf = (child: Command) => [entry, child.name, ...optionsOf(child, values, settled)]
  return [
    { name: 'central', args: argsOf(centralCommand), beforeStart, stopMs: 2500 },
    { name: 'agent', args: argsOf(agentCommand), beforeStart, stopMs: 1500 },
  ]
}

/**
 * All that the child is to know, so that it starts again as it started; the file for what is in it alone. A
 * secret is not for the list of processes: the child finds it where this process did.
 */
function optionsOf(
  child: Command,
  values: Values,
  settled: Readonly<Record<string, string>>,
): readonly string[] {
  const mine = new Set(upCommand.flags.map(({ name }) => name))
  const known = { ...settled, ...(values.config ? { config: values.config.file } : {}) }
  return child.flags.flatMap(({ name, kind, fileOnly, secret, repeatable }) => {
    const value = known[name as keyof typeof known]
    if (value !== undefined) return [`--${name}`, value]
    if (fileOnly || !mine.has(name) || (secret && values.origin(name).from !== 'flag')) return []
    if (kind === 'switch') return values.on(name) ? [`--${name}`] : []
    if (repeatable) return values.list(name).flatMap((one) => [`--${name}`, one])
    return option(values, name)
  })
}

function option(values: Values, name: string): readonly string[] {
  const value = values.text(name)
  return value === undefined ? [] : [`--${name}`, value]
}

/** What the agent says of a probe when it is ready. */
interface RunningProbe {
  readonly probe: string
  readonly programs: readonly {
    readonly state: string
    readonly hook: string
    readonly why: string
  }[]
}

function announce(
  terminal: Terminal,
  ready: ReadonlyMap<string, ReadyMessage>,
  dataDir: string,
): void {
  const probes = (ready.get('agent')?.['probes'] ?? []) as readonly RunningProbe[]
  print(terminal, `Weir is running: ${ready.get('central')?.['url']}`)
  const waits = ready.get('agent')?.['waits']
  if (waits) print(terminal, `  agent    waits: ${waits}`)
  for (const { probe, programs } of probes) {
    const on = new Set(programs.flatMap(({ state, hook }) => (state === 'off' ? [] : [hook])))
    // Of two programs for one hook, one is always off: the hook itself is not missing.
    const missing = programs.filter(({ state, hook }) => state === 'off' && !on.has(hook))
    const byHook = Map.groupBy(missing, ({ hook }) => hook)
    const lacks = [...byHook].map(([hook, [first]]) => `${hook} (${first?.why})`).join(', ')
    print(terminal, `  probe    ${probe}: ${[...on].join(', ')}`)
    print(terminal, `  missing  ${lacks || 'nothing'}`)
  }
  const failed = (ready.get('agent')?.['failed'] ?? []) as readonly FailedProbe[]
  for (const line of failedLines(failed)) print(terminal, line)
  const watched = (ready.get('agent')?.['interfaces'] ?? []) as readonly InterfaceReport[]
  for (const line of watchedLines(watched)) print(terminal, line)
  print(terminal, `  data     ${dataDir}`)
  print(terminal, 'Ctrl-C stops it and leaves nothing in the kernel.')
  print(terminal, '')
  for (const line of nextSteps(terminal.program)) print(terminal, line)
}

/** Resolves on the first SIGINT or SIGTERM; a second one does not interrupt the orderly end. */
async function stopSignal(): Promise<undefined> {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => undefined)
  await Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')])
}
