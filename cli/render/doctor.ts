// What the doctor found, as a person reads it: the host in one line, a line per probe, what is missing.

import type { InterfaceReport } from '../../agent/mod.ts'
import type { TableColumn } from './table.ts'
import { createTable } from './table.ts'
import { watchedLines } from './watched.ts'
import { joinedLines } from './width.ts'

/** The part of the kernel's report that is shown; see DoctorReport of the agent. */
export interface HostReport {
  readonly kernel: string
  readonly architecture: string
  readonly btf: boolean
  readonly lockdown: string
  readonly cgroups: string
  readonly cgroupRoot: string
  readonly libbpf: string
  readonly uid: number
  readonly missingCapabilities: readonly string[]
  readonly probes: readonly ProbeReport[]
  readonly unseen: readonly string[]
  /** Where flows of routers are taken. */
  readonly intake?: HostIntake
  /** Agents that run here, with what they watch. */
  readonly agents: readonly {
    readonly pid: number
    readonly interfaces: readonly InterfaceReport[]
  }[]
}

export interface HostIntake {
  /** Addresses, as configured. */
  readonly flows: string
  /** What central wants the kernel to keep while it is busy, and net.core.rmem_max. */
  readonly wantedBytes: number
  readonly allowedBytes: number
  /** '' when that is enough. */
  readonly remedy: string
}

export interface HookReport {
  readonly hook: string
  readonly available: boolean
  readonly why: string
}

export interface ProbeReport {
  readonly probe: string
  readonly state: string
  readonly programs: readonly HookReport[]
  readonly why: string
  readonly remedy: string
}

/** A line: a hook of a probe; the first one carries the probe's own name and state. */
interface Line extends HookReport {
  readonly probe: string
  readonly state: string
}

const columns: readonly TableColumn<Line>[] = [
  { head: 'PROBE', priority: 0, cell: ({ probe }) => probe },
  { head: 'STATE', priority: 0, cell: ({ state }) => state },
  {
    head: 'HOOK',
    priority: 0,
    least: 20,
    cell: ({ hook, available }) => (available ? hook : `(${hook})`),
  },
  { head: 'WHY', priority: 0, least: 20, cell: ({ why }) => why },
]

export function doctorLines(report: HostReport, width: number | undefined): readonly string[] {
  const mount = report.cgroupRoot === '' ? '' : `, cgroup2 at ${report.cgroupRoot}`
  const host = [
    `Linux ${report.kernel} ${report.architecture}`,
    `BTF ${report.btf ? 'yes' : 'no'}`,
    `lockdown ${report.lockdown === 'unknown' ? 'unknown (securityfs is not mounted)' : report.lockdown}`,
    `cgroup ${report.cgroups}${mount}`,
    report.libbpf === '' ? 'libbpf missing' : `libbpf ${report.libbpf.replace(/^v/, '')}`,
    `uid ${report.uid}`,
  ]
  return [
    ...joinedLines(host, width),
    ...createTable(columns, width).lines(report.probes.flatMap(linesOf)),
    ...intakeLines(report),
    ...report.agents.flatMap(({ pid, interfaces }) => [
      `Agent ${pid}:`,
      ...watchedLines(interfaces, width),
    ]),
    ...missing(report),
    'Not seen on any host:',
    ...report.unseen.map((text) => `  ${text}`),
  ]
}

/** Whether every probe can run, if with fewer hooks. */
export function isHealthy(report: HostReport): boolean {
  return report.probes.every(({ state }) => state !== 'unavailable')
}

function linesOf({ probe, state, why, programs }: ProbeReport): readonly Line[] {
  const own = { probe, state, hook: '–', available: true, why }
  if (programs.length === 0) return [own]
  const lines = programs.map((program, at) => ({
    ...program,
    probe: at === 0 ? probe : '',
    state: at === 0 ? state : '',
  }))
  return why === '' ? lines : [own, ...lines.map((line) => ({ ...line, probe: '', state: '' }))]
}

function intakeLines({ intake }: HostReport): readonly string[] {
  if (!intake) return []
  const { flows, wantedBytes, allowedBytes } = intake
  const limit = `  net.core.rmem_max ${allowedBytes}, central asks for ${wantedBytes}`
  return [`Flows of routers come in at ${flows}:`, limit]
}

function missing(report: HostReport): readonly string[] {
  const all = [...report.probes, ...(report.intake ? [report.intake] : [])]
  const remedies = new Set(all.map(({ remedy }) => remedy).filter((text) => text !== ''))
  const lines = [...remedies].map((remedy) => `  ${remedy}`)
  const names = report.missingCapabilities
  if (names.length > 0) lines.unshift(`  capabilities: ${names.join(', ')}`)
  return lines.length === 0 ? ['Missing: nothing.'] : ['Missing:', ...lines]
}
