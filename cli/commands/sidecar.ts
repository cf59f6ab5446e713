// `weir sidecar`: one process, cgroup or a few ports at /metrics, without a central. Flags, keys and names are those of
// reference system 003.

import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { createLifecycle, parseDurationMs, runUntilSignal } from '../../common/mod.ts'
import { createReporter } from '../../common/reporter/mod.ts'
import { cliError } from '../errors.ts'
import { readConfiguration } from '../parse/config.ts'
import { insecureFlag, isLoopback } from '../parse/loopback.ts'
import { cgroupOf } from '../parse/scope.ts'
import { type Command, type Flag, note, type Terminal, type Values } from './command.ts'
import { logLevelFlag } from './process-flags.ts'
import { checkLimits } from './process-limits.ts'

const stopDeadlineMs = 5_000
const portsMax = 8

const flags: readonly Flag[] = [
  {
    name: 'pid',
    short: 'p',
    kind: 'number',
    max: 4_194_304,
    default: '0',
    config: 'target.pid',
    help: "Only sockets of this process, by the host's process id; 0 = of all.",
  },
  {
    name: 'process-name',
    kind: 'text',
    metavar: 'NAME',
    config: 'target.process_name',
    expectation: (value) =>
      Buffer.byteLength(value) < 16
        ? undefined
        : 'the name that the kernel keeps: 15 octets at most',
    help: 'Only sockets of processes of this name, as ps -o comm shows it.',
  },
  {
    name: 'cgroup',
    kind: 'text',
    metavar: 'PATH|ID',
    config: 'target.cgroup',
    help: 'Only sockets of this cgroup and those below it.',
  },
  {
    name: 'ports',
    kind: 'text',
    metavar: 'PORT,…',
    isList: true,
    mayBeEmpty: true,
    config: 'target.ports',
    expectation: (value) => (portsOf(value) ? undefined : `1 to ${portsMax} ports, as in 80,443`),
    help: 'Only connections with one of these ports at either end; all when the list is empty.',
  },
  {
    name: 'metrics-port',
    short: 'm',
    kind: 'number',
    max: 65_535,
    default: '9090',
    config: 'metrics.port',
    help: 'Port of /metrics and /health; 0 is any free one.',
  },
  {
    name: 'metrics-address',
    kind: 'text',
    metavar: 'ADDR',
    default: '127.0.0.1',
    config: 'metrics.address',
    help: 'Address of that port; another than loopback needs --insecure.',
  },
  {
    name: 'interval',
    short: 'i',
    kind: 'text',
    metavar: 'SECONDS',
    default: '5',
    config: 'metrics.interval_secs',
    expectation: (value) =>
      intervalOf(value) ? undefined : 'seconds from 1 to 600, or a time as 500ms',
    help: 'How often the kernel is asked for the counters.',
  },
  {
    name: 'max-connections',
    kind: 'number',
    min: 1,
    max: 1_000_000,
    default: '10240',
    config: 'metrics.max_connections',
    help: 'Series per metric; what is beyond is counted in one series `other`.',
  },
  {
    name: 'expiry',
    kind: 'duration',
    default: '1h',
    min: 10_000,
    config: 'metrics.expiry',
    help: 'How long the series of a closed connection keeps its last values.',
  },
  insecureFlag,
  { ...logLevelFlag, config: 'logging.level' },
  {
    name: 'debug',
    short: 'd',
    kind: 'switch',
    config: 'logging.ebpf_debug',
    help: 'The same as --log-level debug.',
  },
]

/** Of the file alone: Weir does not read HTTP, and says so. */
const httpKey: Flag = {
  name: 'enable-http',
  kind: 'text',
  config: 'metrics.enable_http',
  expectation: (value) => (value === 'false' ? undefined : 'false: Weir does not look into HTTP'),
  help: '',
}

export const sidecarCommand: Command = {
  name: 'sidecar',
  summary: 'Serves the connections of one process, cgroup or port to Prometheus.',
  description:
    'No central, nothing on disk. The kernel leaves out what is not selected. CAP_BPF and CAP_PERFMON are enough; without CAP_SYS_ADMIN connections of other network namespaces that were open before it are found only where a process holds them.',
  flags: [
    ...flags.map(({ config: _, ...flag }) => flag),
    {
      name: 'config',
      short: 'c',
      kind: 'text',
      metavar: 'FILE',
      help: 'YAML with the sections target, metrics and logging.',
    },
  ],
  examples: [
    { command: 'weir sidecar --pid 4242 --metrics-port 9091', what: 'one process' },
    { command: 'weir sidecar --ports 5432,6379', what: 'all that talks to these ports' },
  ],
  run,
}

async function run(values: Values, terminal: Terminal): Promise<number> {
  const text = await readerOf(values)
  const listen = { host: text('metrics-address'), port: Number(text('metrics-port')) }
  if (!isLoopback(listen.host) && text('insecure') !== 'true') {
    throw cliError('not_loopback', { details: { address: `${listen.host}:${listen.port}` } })
  }
  const filter = filterOf(text)
  checkLimits()
  const level = text('debug') === 'true' ? 'debug' : text('log-level')
  const reporter = createReporter('sidecar', { level })
  const { createSidecar } = await import('../../agent/mod.ts')
  const sidecar = createSidecar(
    {
      listen,
      filter,
      intervalMs: intervalOf(text('interval')) ?? 0,
      seriesMax: Number(text('max-connections')),
      expiryMs: parseDurationMs(text('expiry')) ?? 0,
    },
    reporter,
  )
  const announce = {
    name: 'announce',
    start: () => {
      const { host, port } = sidecar.address()
      const shown = host.includes(':') ? `[${host}]` : host
      note(terminal, `Weir sidecar is running: http://${shown}:${port}/metrics`)
    },
    stop: () => {},
  }
  await runUntilSignal(createLifecycle([sidecar, announce], { reporter, stopDeadlineMs }))
  return 0
}

type Reader = (name: string) => string

/** The line first, then the file, then the default. */
async function readerOf(values: Values): Promise<Reader> {
  const named = values.text('config')
  const keys = [...flags, httpKey]
  const file = named === undefined ? undefined : await readConfiguration(resolve(named), keys)
  return (name) => {
    const flag = flags.find((one) => one.name === name) as Flag
    const own = flag.kind === 'switch' ? String(values.on(name)) : (values.text(name) ?? '')
    if (values.origin(name).from !== 'default') return own
    return file?.values.get(flag.config ?? '')?.text ?? own
  }
}

function filterOf(text: Reader) {
  const pid = Number(text('pid'))
  if (pid !== 0 && !existsSync(`/proc/${pid}`)) {
    const details = { command: 'sidecar', name: '--pid', value: pid, expected: 'a running process' }
    throw cliError('bad_value', { details })
  }
  const [processName, cgroup, ports] = [text('process-name'), text('cgroup'), text('ports')]
  return {
    ...(pid === 0 ? {} : { pid }),
    ...(processName === '' ? {} : { processName }),
    ...(cgroup === '' ? {} : { cgroupId: cgroupOf('sidecar', cgroup, '--cgroup') }),
    ...(ports === '' ? {} : { ports: portsOf(ports) ?? [] }),
  }
}

/** Undefined when it is no list of ports, or one that the kernel's part cannot hold. */
function portsOf(text: string): readonly number[] | undefined {
  const words = text.split(',').map((word) => word.trim())
  if (!words.every((word) => /^\d{1,5}$/.test(word))) return undefined
  const ports = words.map(Number)
  const isRight = ports.every((port) => port > 0 && port < 65_536) && ports.length <= portsMax
  return isRight ? ports : undefined
}

/** Bare numbers are seconds, as system 003 has them. */
function intervalOf(text: string): number | undefined {
  const ms = /^\d+$/.test(text) ? Number(text) * 1000 : parseDurationMs(text)
  return ms && ms >= 100 && ms <= 600_000 ? ms : undefined
}
