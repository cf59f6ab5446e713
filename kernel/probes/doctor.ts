// What this host lets Weir do, and what is missing. Works without privileges and without libbpf: it never
// throws, because it is what people run when something else did.

import { arch, release } from 'node:os'
import { messageOf } from '../../common/mod.ts'
import { hasBtf, kernelNames, missingCapabilities, readText } from '../loader/host.ts'
import { openLibbpf } from '../loader/library.ts'
import type { DoctorReport, ProbeVerdict } from './report.ts'
import { socketFeatures } from './socket/socket.ts'

/** Reads files and tries to open libbpf; loads nothing into the kernel. */
export function doctor(): DoctorReport {
  const libbpf = libbpfVerdict()
  const btf = hasBtf()
  const missing = missingCapabilities()
  return {
    kernel: release(),
    architecture: arch(),
    btf,
    lockdown: lockdown(readText('/sys/kernel/security/lockdown')),
    ...cgroupMounts(readText('/proc/self/mountinfo')),
    libbpf: libbpf.version,
    uid: process.getuid?.() ?? -1,
    missingCapabilities: missing,
    bpfStats: readText('/proc/sys/kernel/bpf_stats_enabled').trim() === '1',
    probes: [socketVerdict({ btf, missing, reason: libbpf.reason })],
  }
}

interface Ground {
  readonly btf: boolean
  readonly missing: readonly string[]
  /** Why libbpf cannot be opened; empty if it can. */
  readonly reason: string
}

/** Exported for its test: the verdict from what was found. */
export function socketVerdict(ground: Ground, names = knownNames()): ProbeVerdict {
  const programs = [
    { hook: 'tp_btf/inet_sock_set_state', available: names.has('btf_trace_inet_sock_set_state') },
    { hook: 'iter/task_file', available: names.has('bpf_iter__task_file') },
    { hook: 'iter/tcp', available: names.has('bpf_iter__tcp') },
    { hook: 'tp_btf/sock_send_length', available: names.has('btf_trace_sock_send_length') },
    { hook: 'tp_btf/sock_recv_length', available: names.has('btf_trace_sock_recv_length') },
  ]
  const verdict = (state: ProbeVerdict['state'], why: string, remedy: string): ProbeVerdict => {
    return { probe: 'socket', state, programs, why, remedy }
  }
  if (!ground.btf) {
    return verdict('unavailable', 'the kernel has no BTF', 'a kernel with CONFIG_DEBUG_INFO_BTF=y')
  }
  if (!programs.slice(0, 3).every((one) => one.available)) {
    return verdict('unavailable', 'the kernel lacks a hook it needs', 'Linux 5.10 or later')
  }
  if (ground.reason !== '') {
    return verdict('unavailable', ground.reason, 'apt-get install libbpf1')
  }
  if (ground.missing.length > 0) {
    return verdict('unavailable', `missing ${ground.missing.join(', ')}`, 'run as root')
  }
  if (!names.has('btf_trace_sock_send_length')) {
    const why = 'owners come from close and dumps alone: no sock_send_length'
    return verdict('degraded', why, 'Linux 6.3 or later')
  }
  return verdict('ready', '', '')
}

function knownNames(): ReadonlySet<string> {
  return hasBtf() ? kernelNames(socketFeatures) : new Set()
}

function libbpfVerdict(): { version: string; reason: string } {
  try {
    return { version: openLibbpf().version, reason: '' }
  } catch (error) {
    return { version: '', reason: messageOf(error) }
  }
}

/** `none [integrity] confidentiality`: the brackets choose. */
function lockdown(text: string): string {
  return /\[(\w+)\]/.exec(text)?.[1] ?? 'unknown'
}

/** Exported for its test. Format: proc_pid_mountinfo(5); the type stands after ` - `. */
export function cgroupMounts(mountinfo: string): Pick<DoctorReport, 'cgroups' | 'cgroupRoot'> {
  const mounts = mountinfo.split('\n').map((line) => ({
    type: / - (\S+)/.exec(line)?.[1] ?? '',
    path: line.split(' ')[4] ?? '',
  }))
  const cgroupRoot = mounts.find((mount) => mount.type === 'cgroup2')?.path ?? ''
  const old = mounts.some((mount) => mount.type === 'cgroup')
  if (cgroupRoot === '') return { cgroups: old ? 'v1' : 'none', cgroupRoot }
  return { cgroups: old ? 'hybrid' : 'cgroup2', cgroupRoot }
}
