// Flags of the commands that start processes. This is also the table of the configuration file: a flag with
// `config` is a key there.

import { hostname } from 'node:os'
import { resolve } from 'node:path'
import { messageOf, nearestName } from '../../common/mod.ts'
import {
  labelNames,
  labelsDefault,
  metricDialects,
  parseAddressRange,
  parseAgentFilter,
  tables,
} from '../../wire/mod.ts'
import { endpointOf, endpointsOf } from '../parse/arguments.ts'
import { cgroupOf, netnsOf } from '../parse/scope.ts'
import type { Flag, Values } from './command.ts'

const hourMs = 3_600_000
const megabyte = 1_000_000

export const configFlag: Flag = {
  name: 'config',
  kind: 'text',
  metavar: 'FILE',
  env: 'WEIR_CONFIG',
  help: 'Configuration file; without it /etc/weir/weir.yaml, if that exists.',
}

export const dataFlag: Flag = {
  name: 'data',
  kind: 'text',
  metavar: 'DIR',
  default: '/var/lib/weir',
  env: 'WEIR_DATA',
  config: 'data',
  help: 'Folder for everything that must outlive the process.',
}

export const logLevelFlag: Flag = {
  name: 'log-level',
  kind: 'choice',
  choices: ['trace', 'debug', 'info', 'warn', 'error', 'silent'],
  metavar: 'LEVEL',
  default: 'info',
  env: 'WEIR_LOG_LEVEL',
  config: 'log.level',
  help: 'The least important lines that are logged: trace, debug, info, warn, error or silent.',
}

export const nodeFlag: Flag = {
  name: 'node',
  kind: 'text',
  metavar: 'NAME',
  env: 'WEIR_NODE',
  envFallback: 'NODE_NAME',
  config: 'agent.node',
  defaultOfHost: hostname,
  help: "Name of this host in rows; by default NODE_NAME, then the host's own name.",
}

export const intervalFlag: Flag = {
  name: 'interval',
  kind: 'duration',
  metavar: 'TIME',
  default: '5s',
  min: 100,
  max: 600_000,
  env: 'WEIR_INTERVAL',
  config: 'agent.interval',
  help: 'How much time one row of a connection covers, from 100ms to 10m.',
}

/** What the kernel leaves out, counted as filtered. */
export const scopeFlags: readonly Flag[] = [
  {
    name: 'netns',
    kind: 'text',
    metavar: 'PATH|INODE',
    config: 'agent.netns',
    help: 'Only sockets of this network namespace.',
  },
  {
    name: 'cgroup',
    kind: 'text',
    metavar: 'PATH|ID',
    config: 'agent.cgroup',
    help: 'Only sockets of this cgroup and those below it.',
  },
]

/** What those flags of `command` name. Throws AppError bad_value. */
export function scopeOf(command: string, values: Values): { netns?: number; cgroupId?: bigint } {
  const netns = values.text('netns')
  const cgroup = values.text('cgroup')
  const nameOf = (flag: string): string => values.origin(flag).name
  return {
    ...(netns === undefined ? {} : { netns: netnsOf(command, netns, nameOf('netns')) }),
    ...(cgroup === undefined ? {} : { cgroupId: cgroupOf(command, cgroup, nameOf('cgroup')) }),
  }
}

export const upstreamFlag: Flag = {
  name: 'upstream',
  kind: 'text',
  metavar: 'unix:PATH|ADDR:PORT',
  default: '127.0.0.1:50051',
  env: 'WEIR_UPSTREAM',
  envFallback: 'AGGREGATOR_URL',
  config: 'agent.upstream',
  expectation: (value) => (upstreamOf(value) ? undefined : 'unix:PATH or ADDR:PORT'),
  help: 'The central that takes the rows; by default the host of AGGREGATOR_URL (http://HOST:PORT, of the eBPF network monitor), at port 50051.',
}

/** The address that an --upstream names; undefined when it is none. */
export function upstreamOf(
  value: string,
): { path: string } | { host: string; port: number } | undefined {
  if (value.startsWith('unix:') && value.length > 5) return { path: resolve(value.slice(5)) }
  if (/^https?:/.test(value)) return hostOf(value)
  return endpointOf(value)
}

/** The port of such a URL is that of an HTTP API; rows go to the port for agents on the same host. */
function hostOf(url: string): { host: string; port: number } | undefined {
  if (!URL.canParse(url)) return undefined
  const host = new URL(url).hostname.replace(/^\[|\]$/g, '')
  return { host, port: 50_051 }
}

export const metricsFlag: Flag = {
  name: 'metrics',
  kind: 'text',
  metavar: 'off|ADDR:PORT',
  default: '127.0.0.1:9090',
  env: 'WEIR_METRICS',
  config: 'agent.metrics',
  listensUnless: 'off',
  help: 'Where /metrics and /health of the agent itself are.',
}

/** What /metrics shows of flows and events. */
export const seriesFlags: readonly Flag[] = [
  {
    name: 'metrics-dialect',
    kind: 'choice',
    choices: [...metricDialects],
    metavar: 'NAME',
    default: 'obi',
    env: 'WEIR_METRICS_DIALECT',
    config: 'metrics.dialect',
    help: 'Names of the metrics of flows: obi (OpenTelemetry eBPF Instrumentation) or netobserv.',
    group: 'Metrics',
  },
  {
    name: 'metrics-labels',
    kind: 'text',
    metavar: 'FIELD,…',
    default: labelsDefault.join(','),
    env: 'WEIR_METRICS_LABELS',
    config: 'metrics.labels',
    expectation: (value) => {
      const unknown = labelsOf(value).find((name) => !labelNames.includes(name))
      if (unknown === undefined) return undefined
      const near = nearestName(unknown, labelNames)
      return `fields that flows can be grouped by, not ${unknown}${near ? `; did you mean ${near}?` : ''}`
    },
    help: 'What these metrics are divided by; weir metrics preview says how many series that makes.',
    group: 'Metrics',
  },
  {
    name: 'metrics-series',
    kind: 'number',
    default: '5000',
    min: 1,
    max: 1_000_000,
    env: 'WEIR_METRICS_SERIES',
    config: 'metrics.series',
    help: 'Series per family; the largest have one of their own, the rest is in one series `other`.',
    group: 'Metrics',
  },
  {
    name: 'metrics-expiry',
    kind: 'duration',
    default: '1h',
    min: 10_000,
    env: 'WEIR_METRICS_EXPIRY',
    config: 'metrics.expiry',
    help: 'A series to which nothing was added for so long goes.',
    group: 'Metrics',
  },
]

/** The fields that --metrics-labels names. */
export function labelsOf(text: string): readonly string[] {
  return text
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '')
}

/** What those flags say. */
export function seriesOf(values: Values) {
  return {
    dialect: values.text('metrics-dialect') === 'netobserv' ? 'netobserv' : 'obi',
    labels: labelsOf(values.text('metrics-labels') ?? ''),
    seriesMax: values.number('metrics-series') ?? 0,
    expiryMs: values.durationMs('metrics-expiry') ?? 0,
  } as const
}

/** How much waits on this host while central is away. */
export const spoolFlags: readonly Flag[] = [
  {
    name: 'spool-age',
    kind: 'duration',
    default: '1h',
    min: 1000,
    env: 'WEIR_SPOOL_AGE',
    config: 'agent.spool.age',
    help: 'How long rows wait for a central that is away; what is older is lost, and counted.',
    group: 'Limits',
  },
  {
    name: 'spool-bytes',
    kind: 'size',
    default: '256MiB',
    min: megabyte,
    env: 'WEIR_SPOOL_BYTES',
    config: 'agent.spool.bytes',
    help: 'How much disk those rows may take; the oldest go first.',
    group: 'Limits',
  },
]

/** What the agent leaves out of its rows, counted as filtered. */
export const agentFilterFlag: Flag = {
  name: 'filter',
  kind: 'text',
  metavar: 'FILTER',
  env: 'WEIR_FILTER',
  config: 'agent.filter',
  expectation: (value) => {
    try {
      parseAgentFilter(value)
      return undefined
    } catch (error) {
      return `a filter on flows and events: ${messageOf(error)}`
    }
  },
  help: 'Only rows of flows and events for which this holds are reported: dst_port = 5432. What is left out, in the kernel as far as it goes, is counted as filtered. It sees what this node knows: names of an end on another node are not there yet.',
}

export const connectionEventsFlag: Flag = {
  name: 'connection-events',
  kind: 'choice',
  choices: ['all', 'failed', 'off'],
  metavar: 'WHICH',
  default: 'all',
  env: 'WEIR_CONNECTION_EVENTS',
  config: 'agent.connection_events',
  help: 'Which connections have events of their own beside their flows: all, failed (a connect() that did not succeed) or off. What is left out is counted as filtered.',
}

export const listenFlag: Flag = {
  name: 'listen',
  kind: 'endpoint',
  metavar: 'ADDR:PORT',
  default: '127.0.0.1:8080',
  env: 'WEIR_LISTEN',
  config: 'central.listen',
  listensUnless: '',
  help: 'Where the page and the API are; port 0 is any free one.',
}

export const alsoListenFlag: Flag = {
  name: 'also-listen',
  kind: 'text',
  metavar: 'ADDR:PORT,…',
  env: 'WEIR_ALSO_LISTEN',
  config: 'central.also_listen',
  isList: true,
  expectation: (value) =>
    endpointsOf(value).includes(undefined)
      ? 'one or more ADDR:PORT, commas between them'
      : undefined,
  help: 'Where the API and the page are as well: 127.0.0.1:8081 for clients of the aggregator of the eBPF network monitor (ebpf-server), whose agents answer at 8080.',
}

export const ingestFlag: Flag = {
  name: 'ingest',
  kind: 'text',
  metavar: 'unix|ADDR:PORT',
  default: '127.0.0.1:50051',
  env: 'WEIR_INGEST',
  config: 'central.ingest',
  listensUnless: 'unix',
  help: 'Where agents come to, beside DATA/ingest.sock; unix: nowhere else.',
}

export const telemetryAllowFlag: Flag = {
  name: 'telemetry-allow',
  kind: 'text',
  metavar: 'PREFIX,…',
  env: 'WEIR_TELEMETRY_ALLOW',
  config: 'central.telemetry_allow',
  isList: true,
  expectation: (value) =>
    prefixesOf(value).every((one) => parseAddressRange(one))
      ? undefined
      : 'one or more addresses or prefixes, commas between them',
  help: 'From where frames of xdt-agent (XDP telemetry) are taken at the port for agents, beside this host: 10.0.0.0/8,2001:db8::/32. They carry no proof of who sent them.',
}

/** What that flag names. */
export function prefixesOf(text: string): readonly string[] {
  return text.split(',').flatMap((one) => (one.trim() === '' ? [] : [one.trim()]))
}

export const exportsBytesFlag: Flag = {
  name: 'exports-bytes',
  kind: 'size',
  default: '2GiB',
  min: 16 * megabyte,
  config: 'central.exports_bytes',
  fileOnly: true,
  help: 'How much disk rows may take that wait for the receivers of exports; the oldest go first, counted as lost.',
  group: 'Limits',
}

/** How much the store keeps. */
export const retentionFlags: readonly Flag[] = [
  {
    name: 'retention-age',
    kind: 'duration',
    default: '30d',
    min: hourMs,
    env: 'WEIR_RETENTION_AGE',
    config: 'retention.age',
    help: 'How long rows are kept; whole days of a table are dropped.',
    group: 'Limits',
  },
  {
    name: 'retention-bytes',
    kind: 'size',
    default: '10GiB',
    min: 100 * megabyte,
    env: 'WEIR_RETENTION_BYTES',
    config: 'retention.bytes',
    help: 'How much disk all tables may take; the oldest day is dropped first, the newest of a table never.',
    group: 'Limits',
  },
  {
    name: 'retention-interval',
    kind: 'duration',
    default: '1m',
    min: 1000,
    max: 24 * hourMs,
    config: 'retention.interval',
    fileOnly: true,
    help: 'How often the store looks for what to drop.',
  },
  ...tables.flatMap(({ name }): readonly Flag[] => [
    {
      name: `retention-${name}-age`,
      kind: 'duration',
      min: hourMs,
      config: `retention.tables.${name}.age`,
      fileOnly: true,
      help: `Another age for the table ${name}.`,
    },
    {
      name: `retention-${name}-bytes`,
      kind: 'size',
      min: 100 * megabyte,
      config: `retention.tables.${name}.bytes`,
      fileOnly: true,
      help: `A bound for the table ${name} alone, beside that for all.`,
    },
  ]),
]
