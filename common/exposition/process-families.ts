// What every process says of itself beside what its components count: version, memory, CPU, when it started.

import { readVersion } from '../version.ts'
import { type Family, labelsText } from './family.ts'

const startedSeconds = Math.round(Date.now() - process.uptime() * 1000) / 1000

export function processFamilies(process_: string): readonly Family[] {
  const build = labelsText([
    ['component', process_],
    ['version', readVersion()],
    ['runtime', process.version],
  ])
  return [
    {
      name: 'weir_build_info',
      kind: 'info',
      help: 'Version of Weir and of what runs it.',
      series: () => [{ labels: build, value: 1 }],
    },
    {
      name: 'process_start_time_seconds',
      kind: 'gauge',
      unit: 'seconds',
      help: 'When the process started, seconds since 1970.',
      series: () => [{ labels: '', value: startedSeconds }],
    },
    {
      name: 'process_resident_memory_bytes',
      kind: 'gauge',
      unit: 'bytes',
      help: 'Resident memory of the process.',
      series: () => [{ labels: '', value: process.memoryUsage.rss() }],
    },
    {
      name: 'process_cpu_seconds_total',
      kind: 'counter',
      unit: 'seconds',
      help: 'CPU time of the process, in user space and in the kernel.',
      series: () => [
        { labels: '', value: cpuMicroseconds() / 1e6, createdMs: startedSeconds * 1000 },
      ],
    },
  ]
}

function cpuMicroseconds(): number {
  const { user, system } = process.cpuUsage()
  return user + system
}
