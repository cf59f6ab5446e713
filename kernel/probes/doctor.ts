// What this host lets Weir do, and what is missing. Works without privileges and without libbpf: it never
// throws, because it is what people run when something else did.

import { arch, release } from 'node:os'
import { messageOf } from '../../common/mod.ts'
import { hasBtf, kernelNames, missingCapabilities, readText } from '../loader/host.ts'
import { openLibbpf } from '../loader/library.ts'
import type { DoctorReport, ProbeVerdict } from './report.ts'
import { slotProgram, socketFeatures } from './socket/features.ts'

/** Reads files and tries to open libbpf; loads nothing into the kernel. */
export function doctor(): DoctorReport {
  const libbpf = libbpfVerdict()
  const btf = hasBtf()
  const missing = missingCapabilities()
  return {
    kernel: release(),
    architecture: architectures[arch()] ?? arch(),
    btf,
    lockdown: lockdownOf(readText('/sys/kernel/security/lockdown'), hasLockdown(btf)),
    ...cgroupMounts(readText('/proc/self/mountinfo')),
    libbpf: libbpf.version,
    uid: process.getuid?.() ?? -1,
    missingCapabilities: missing,
    bpfStats: readText('/proc/sys/kernel/bpf_stats_enabled').trim() === '1',
    probes: [socketVerdict({ btf, missing, reason: libbpf.reason })],
    unseen,
  }
}

/** Debian's names of Node's architectures. */
const architectures: Readonly<Record<string, string>> = { x64: 'amd64', ia32: 'i386', arm: 'armhf' }

/** What the hooks cannot know, whatever the host. */
const unseen: readonly string[] = [
  'a connect() that has no route (ENETUNREACH)',
  'UDP, ICMP and everything that is not TCP',
  'round-trip times and retransmits of an end on another host',
]

interface SocketHook {
  readonly hook: string
  /** The name in the kernel's type information by which the hook is there. */
  readonly feature: string
  /** Weir measures without it, if less. */
  readonly optional?: true
  /** Of use only where sockets have slots. */
  readonly bySlots?: true
  readonly use: string
  /** What is said when it is not there. */
  readonly without: string
}

const socketHooks: readonly SocketHook[] = [
  {
    hook: 'tp_btf/inet_sock_set_state',
    feature: 'btf_trace_inet_sock_set_state',
    use: 'begin and end of each connection',
    without: 'needs Linux 5.10',
  },
  {
    hook: 'tp_btf/tcp_destroy_sock',
    feature: 'btf_trace_tcp_destroy_sock',
    optional: true,
    use: 'ends that an interrupt hid',
    without: 'ends that an interrupt hid come late',
  },
  {
    hook: 'iter/task_file',
    feature: 'bpf_iter__task_file',
    use: 'who holds which socket',
    without: 'needs Linux 5.10',
  },
  {
    hook: 'iter/bpf_map_elem',
    feature: 'bpf_iter__bpf_map_elem',
    optional: true,
    bySlots: true,
    use: 'open sockets, held or not',
    without: 'needs Linux 5.11; else only held ones',
  },
  {
    hook: 'iter/bpf_sk_storage_map',
    feature: 'bpf_iter__bpf_sk_storage_map',
    optional: true,
    bySlots: true,
    use: 'open sockets older than Weir',
    without: 'needs Linux 5.11; else only held ones',
  },
  {
    hook: 'iter/tcp',
    feature: 'bpf_iter__tcp',
    use: 'older sockets that no process holds',
    without: 'needs Linux 5.10',
  },
  {
    hook: 'tp_btf/inet_sk_error_report',
    feature: 'btf_trace_inet_sk_error_report',
    optional: true,
    use: 'why an attempt was given up',
    without: 'needs Linux 5.14; else less often',
  },
  {
    hook: 'tp_btf/sock_send_length',
    feature: 'btf_trace_sock_send_length',
    optional: true,
    use: 'which process writes',
    without: 'needs Linux 6.3; else who closed',
  },
  {
    hook: 'tp_btf/sock_recv_length',
    feature: 'btf_trace_sock_recv_length',
    optional: true,
    use: 'which process reads',
    without: 'needs Linux 6.3; else who closed',
  },
]

const lockdownSymbol = 'lockdown_is_locked_down'

function hasLockdown(btf: boolean): boolean {
  return !btf || kernelNames([lockdownSymbol]).has(lockdownSymbol)
}

interface Ground {
  readonly btf: boolean
  readonly missing: readonly string[]
  /** Why libbpf cannot be opened; empty if it can. */
  readonly reason: string
}

/** Exported for its test: the verdict from what was found. */
export function socketVerdict(ground: Ground, names = knownNames()): ProbeVerdict {
  const hasSlots = slotProgram(names) !== undefined
  const programs = socketHooks.map(({ hook, feature, bySlots, use, without }) => {
    const available = names.has(feature) && (hasSlots || !bySlots)
    return { hook, available, why: available ? use : without }
  })
  const verdict = (state: ProbeVerdict['state'], why: string, remedy: string): ProbeVerdict => {
    return { probe: 'socket', state, programs, why, remedy }
  }
  if (!ground.btf) {
    return verdict('unavailable', 'the kernel has no BTF', 'a kernel with CONFIG_DEBUG_INFO_BTF=y')
  }
  if (!socketHooks.every(({ feature, optional }) => optional || names.has(feature))) {
    return verdict('unavailable', 'the kernel lacks a hook it needs', 'Linux 5.10 or later')
  }
  if (ground.reason !== '') {
    return verdict('unavailable', ground.reason, 'apt-get install libbpf1')
  }
  if (ground.missing.length > 0) {
    return verdict('unavailable', `missing ${ground.missing.join(', ')}`, 'run as root')
  }
  if (!hasSlots) {
    const why =
      'sockets that no process holds are shown once a minute; owners come from close and walks'
    return verdict(
      'degraded',
      `no socket storage in tracing programs: ${why}`,
      'Linux 6.3 or later',
    )
  }
  if (!names.has('btf_trace_sock_send_length')) {
    const why = 'owners come from close and walks alone: no sock_send_length'
    return verdict('degraded', why, 'Linux 6.3 or later')
  }
  return verdict('ready', '', '')
}

function knownNames(): ReadonlySet<string> {
  return hasBtf()
    ? kernelNames([...socketFeatures, ...socketHooks.map(({ feature }) => feature)])
    : new Set()
}

function libbpfVerdict(): { version: string; reason: string } {
  try {
    return { version: openLibbpf().version, reason: '' }
  } catch (error) {
    return { version: '', reason: messageOf(error) }
  }
}

/**
 * Exported for its test. `none [integrity] confidentiality`: the brackets choose. Without the file the value is
 * `none` if the kernel was built without lockdown.
 */
export function lockdownOf(text: string, isBuiltIn: boolean): string {
  return /\[(\w+)\]/.exec(text)?.[1] ?? (isBuiltIn ? 'unknown' : 'none')
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
