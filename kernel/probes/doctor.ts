// What this host lets Weir do, and what is missing. Works without privileges and without libbpf: it never
// throws, because it is what people run when something else did.

import { arch, release } from 'node:os'
import { messageOf } from '../../common/mod.ts'
import { hasBtf, kernelNames, missingCapabilities, readText } from '../loader/host.ts'
import { openLibbpf } from '../loader/library.ts'
import { loadableNames } from '../loader/map-iterators.ts'
import { probeSpecs } from './registry.ts'
import type { DoctorReport, HookVerdict, ProbeVerdict } from './report.ts'
import {
  absentPrograms,
  featuresOf,
  type HookSpec,
  isReplaced,
  type ProbeSpec,
  withoutHook,
} from './spec.ts'

/** Reads files and tries to open libbpf; loads nothing into the kernel but, if it may, two iterators that do nothing. */
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
    probes: probeSpecs.map((spec) => verdictOf(spec, { btf, missing, reason: libbpf.reason })),
    unseen,
  }
}

/** Debian's names of Node's architectures. */
const architectures: Readonly<Record<string, string>> = { x64: 'amd64', ia32: 'i386', arm: 'armhf' }

/** What the hooks cannot know, whatever the host. */
const unseen: readonly string[] = [
  'a connect() that has no route (ENETUNREACH)',
  'sockets of UDP, ICMP and all that is not TCP (--interface shows their packets)',
  'round-trip times and retransmits of an end on another host',
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
export function verdictOf(
  spec: Pick<ProbeSpec, 'name' | 'hooks' | 'degraded'>,
  ground: Ground,
  names = knownNames(spec),
): ProbeVerdict {
  const programs = hookVerdicts(spec.hooks, names)
  const verdict = (state: ProbeVerdict['state'], why: string, remedy: string): ProbeVerdict => {
    return { probe: spec.name, state, programs, why, remedy }
  }
  if (!ground.btf) {
    return verdict('unavailable', 'the kernel has no BTF', 'a kernel with CONFIG_DEBUG_INFO_BTF=y')
  }
  const lacking = missingHook(spec.hooks, names)
  if (lacking) {
    const why = `the kernel lacks a hook it needs: ${lacking.hook}`
    return verdict('unavailable', why, `Linux ${lacking.since} or later`)
  }
  if (ground.reason !== '') {
    return verdict('unavailable', ground.reason, 'apt-get install libbpf1')
  }
  if (ground.missing.length > 0) {
    return verdict('unavailable', `missing ${ground.missing.join(', ')}`, 'run as root')
  }
  const less = spec.degraded.find(
    ({ without, unless = [] }) =>
      without.some((name) => !names.has(name)) &&
      !(unless.length > 0 && unless.every((name) => names.has(name))),
  )
  return less ? verdict('degraded', less.why, less.remedy) : verdict('ready', '', '')
}

/** One line per hook that is wanted here, with the use of the first of its programs that is there. */
function hookVerdicts(hooks: readonly HookSpec[], names: ReadonlySet<string>) {
  const absent = absentPrograms(hooks, names)
  const byHook = new Map<string, HookVerdict>()
  for (const spec of hooks.filter((hook) => !isReplaced(hook, hooks, names))) {
    const available = !absent.has(spec.program)
    const known = byHook.get(spec.hook)
    if (known?.available || (known && !available)) continue
    const why = available ? spec.use : withoutHook(spec)
    byHook.set(spec.hook, { hook: spec.hook, available, why })
  }
  return [...byHook.values()]
}

function missingHook(hooks: readonly HookSpec[], names: ReadonlySet<string>): HookSpec | undefined {
  const isHere = ({ needs }: HookSpec) => needs.every((name) => names.has(name))
  return hooks.find((hook) => hook.instead === undefined && !isHere(hook))
}

function knownNames(spec: Pick<ProbeSpec, 'hooks' | 'degraded'>): ReadonlySet<string> {
  return hasBtf() ? loadableNames(featuresOf(spec)) : new Set()
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
