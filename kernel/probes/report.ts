// What the probes say of themselves: which program is on which hook, and if not, why.

/** One program of a loaded probe. */
export interface ProgramReport {
  /** Name of the C function. */
  readonly name: string
  /** The kernel hook in libbpf's words: `tp_btf/inet_sock_set_state`, `iter/task_file`. */
  readonly hook: string
  /** `ready` = loaded and read on demand (iterators). */
  readonly state: 'on' | 'ready' | 'off'
  /** Why it is off or does less than it should, and what is used instead; else empty. */
  readonly why: string
  /** Kernel's program id (as `bpftool prog list` shows it); 0 when off. */
  readonly id: number
}

/** One program of a probe with what it has cost; of one that is not loaded 0. */
export interface ProgramState {
  readonly probe: string
  readonly program: string
  readonly hook: string
  /** `ready` = loaded; `off` = this kernel does without it; `failed` = the probe could not be opened. */
  readonly state: 'ready' | 'off' | 'failed'
  /** Why it is not ready or does less than it should, and what is used instead; else empty. */
  readonly reason: string
  /** As `bpftool prog` shows it; 0 if it is not loaded. */
  readonly id: number
  readonly runs: number
  readonly runTimeNs: number
  readonly mapBytes: number
}

/** One hook of a probe on this host. */
export interface HookVerdict {
  readonly hook: string
  readonly available: boolean
  /** What it is for; of one that is not there: what it needs, and what is used instead. */
  readonly why: string
}

/** One probe on this host, as `weir doctor` shows it. */
export interface ProbeVerdict {
  readonly probe: string
  readonly state: 'ready' | 'degraded' | 'unavailable'
  readonly programs: readonly HookVerdict[]
  readonly why: string
  readonly remedy: string
}

/** What this host lets us do. Every field is readable without privileges and without libbpf. */
export interface DoctorReport {
  /** `uname -r`. */
  readonly kernel: string
  /** In Debian's words: amd64, arm64. */
  readonly architecture: string
  /** Whether /sys/kernel/btf/vmlinux is there. */
  readonly btf: boolean
  /** `none`, `integrity`, `confidentiality`; `unknown` when the kernel has lockdown and does not show it. */
  readonly lockdown: string
  /** `cgroup2`, `hybrid` (cgroup2 beside v1), `v1`, or `none`. */
  readonly cgroups: 'cgroup2' | 'hybrid' | 'v1' | 'none'
  /** Path of the cgroup2 mount; empty if none. */
  readonly cgroupRoot: string
  /** Version of libbpf.so.1 in use; empty if it cannot be opened. */
  readonly libbpf: string
  readonly uid: number
  /** Names of the capabilities that loading needs and the process lacks. */
  readonly missingCapabilities: readonly string[]
  /** Whether the kernel measures the run time of BPF programs (kernel.bpf_stats_enabled); it costs. */
  readonly bpfStats: boolean
  readonly probes: readonly ProbeVerdict[]
  /** What no probe sees on any host, a phrase each. */
  readonly unseen: readonly string[]
}
