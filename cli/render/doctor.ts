// What the doctor found, as a person reads it: the host in one line, a line per probe, what is missing.

import type { TableColumn } from './table.ts'
import { createTable } from './table.ts'

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
}

export interface ProbeReport {
  readonly probe: string
  readonly state: string
  readonly programs: readonly { readonly hook: string; readonly available: boolean }[]
  readonly why: string
  readonly remedy: string
}

const columns: readonly TableColumn<ProbeReport>[] = [
  { head: 'PROBE', priority: 0, cell: ({ probe }) => probe },
  { head: 'STATE', priority: 0, cell: ({ state }) => state },
  { head: 'HOOK', priority: 0, least: 20, cell: hooks },
  { head: 'WHY', priority: 0, least: 20, cell: ({ why }) => why },
]

export function doctorLines(report: HostReport, width: number | undefined): readonly string[] {
  const mount = report.cgroupRoot === '' ? '' : `, cgroup2 at ${report.cgroupRoot}`
  const host = [
    `Linux ${report.kernel} ${report.architecture}`,
    `BTF ${report.btf ? 'yes' : 'no'}`,
    `lockdown ${report.lockdown}`,
    `cgroup ${report.cgroups}${mount}`,
    report.libbpf === '' ? 'libbpf missing' : `libbpf ${report.libbpf}`,
    `uid ${report.uid}`,
  ].join(' · ')
  return [host, ...createTable(columns, width).lines(report.probes), ...missing(report)]
}

/** Whether every probe can run, if with fewer hooks. */
export function isHealthy(report: HostReport): boolean {
  return report.probes.every(({ state }) => state !== 'unavailable')
}

function hooks({ programs }: ProbeReport): string {
  const available = programs.filter((program) => program.available).map(({ hook }) => hook)
  return available.length === 0 ? '–' : available.join(', ')
}

function missing(report: HostReport): readonly string[] {
  const remedies = new Set(report.probes.map(({ remedy }) => remedy).filter((text) => text !== ''))
  const lines = [...remedies].map((remedy) => `  ${remedy}`)
  const names = report.missingCapabilities
  if (names.length > 0) lines.unshift(`  capabilities: ${names.join(', ')}`)
  return lines.length === 0 ? ['Missing: nothing.'] : ['Missing:', ...lines]
}
