// CPU time and memory of a process as the kernel accounts them.

import { readFileSync } from 'node:fs'

export interface CpuTime {
  readonly userMs: number
  readonly systemMs: number
}

const tickMs = 10 // CLK_TCK is 100 on every Linux that Node runs on

/** All threads together, since the process began. */
export function cpuTime(pid: number): CpuTime {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return { userMs: Number(fields[11]) * tickMs, systemMs: Number(fields[12]) * tickMs }
}

export function cpuBetween(before: CpuTime, after: CpuTime): CpuTime & { readonly allMs: number } {
  const userMs = after.userMs - before.userMs
  const systemMs = after.systemMs - before.systemMs
  return { userMs, systemMs, allMs: userMs + systemMs }
}

/** Resident memory in MB (10^6). */
export function residentMb(pid: number): number {
  return statusMb(pid, 'VmRSS')
}

/** The most that it ever was. */
export function peakMb(pid: number): number {
  return statusMb(pid, 'VmHWM')
}

function statusMb(pid: number, name: 'VmRSS' | 'VmHWM'): number {
  const lines = readFileSync(`/proc/${pid}/status`, 'utf8').split('\n')
  const line = lines.find((one) => one.startsWith(`${name}:`)) ?? ''
  return (Number.parseInt(line.slice(name.length + 1), 10) * 1024) / 1e6
}
