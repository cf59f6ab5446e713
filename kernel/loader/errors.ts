// Why the kernel would not do what we ask, in words with a remedy.

import { type ErrorTable, errorsOf } from '../../common/mod.ts'

/** Codes of everything that `kernel/mod.ts` throws. */
export const kernelErrors = {
  not_linux: {
    message: 'this is {platform}; Weir measures the Linux kernel',
    status: 500,
    exitCode: 69,
    remedy: 'run it on Linux',
  },
  libbpf_missing: {
    message: 'opening libbpf.so.1: {reason}',
    status: 500,
    exitCode: 69,
    remedy: 'install it: apt-get install libbpf1',
  },
  btf_missing: {
    message: 'the kernel has no type information: {path} is absent',
    status: 500,
    exitCode: 69,
    remedy:
      'use a kernel built with CONFIG_DEBUG_INFO_BTF=y (every distribution kernel since 2021)',
  },
  not_permitted: {
    message: '{what}: not permitted; missing {missing}',
    status: 500,
    exitCode: 77,
    remedy: 'run as root, or grant the missing capabilities',
  },
  bpf_missing: {
    message: 'the kernel refuses bpf() altogether ({reason})',
    status: 500,
    exitCode: 69,
    remedy:
      'a seccomp filter or a kernel without CONFIG_BPF_SYSCALL; in a container allow the bpf call',
  },
  object_refused: {
    message: 'loading {what}: {reason}',
    status: 500,
    exitCode: 70,
    remedy: 'this is a defect of Weir on kernel {release}: please report it with `weir doctor`',
  },
  attach_refused: {
    message: 'attaching {what}: {reason}',
    status: 500,
    exitCode: 70,
    remedy: 'see `weir doctor` for the hooks of this host',
  },
  hook_occupied: {
    message: 'attaching {what}: {occupant} is there, and is never replaced',
    status: 409,
    exitCode: 73,
    remedy: 'use {instead}, or remove what is there with the tool that attached it',
  },
  interface_missing: {
    message: 'there is no interface {interface} in the network namespace {netns}',
    status: 404,
    exitCode: 68,
    remedy: 'list them: `ip link`, inside a namespace `nsenter --net=PATH ip link`',
  },
  cgroup_missing: {
    message: 'opening cgroup {path}: {reason}',
    status: 404,
    exitCode: 66,
    remedy: 'name a folder below the mount of cgroup2: `findmnt -t cgroup2`',
  },
  bpffs_missing: {
    message: '{path} is no folder of a BPF file system, so nothing can be pinned there',
    status: 500,
    exitCode: 69,
    remedy: 'mount one: mount -t bpf bpf /sys/fs/bpf',
  },
  pin_exists: {
    message: 'pinning {path}: something is pinned there already',
    status: 409,
    exitCode: 73,
    remedy: 'open what is there, or remove it first',
  },
  map_full: {
    message: 'map {map} has room for {entriesMax} entries; {written} of these were written',
    status: 507,
    exitCode: 73,
    remedy: 'open it with more room, or write fewer',
  },
  unsupported_feature: {
    message: '{what} needs {needs}; instead: {instead}',
    status: 500,
    exitCode: 69,
    remedy: 'nothing to do where the substitute is enough; else a newer kernel',
  },
  kernel_call: {
    message: '{what}: {reason}',
    status: 500,
    exitCode: 71,
    remedy: 'see `weir doctor`',
  },
  test_run_input: {
    message: 'running {program} on {octets} octets: {reason}',
    status: 400,
    exitCode: 65,
    remedy: 'a frame has at least 14 octets and no more than a page of the kernel has room for',
  },
  test_run_output: {
    message: 'running {program}: it left {octets} octets, there was room for {room}',
    status: 500,
    exitCode: 70,
    remedy: 'give more room for the output',
  },
  namespace_main_thread: {
    message: 'entering {path}: only a worker thread may change its network namespace',
    status: 500,
    exitCode: 70,
    remedy: 'call it from the worker that owns the probe',
  },
  namespace_refused: {
    message: 'entering {path}: {reason}',
    status: 500,
    exitCode: 77,
    remedy:
      'entering another network namespace takes CAP_SYS_ADMIN, and the namespace must still exist',
  },
  interfaces_none: {
    message: 'no interface is named {patterns}; there are: {there}',
    status: 404,
    exitCode: 68,
    remedy: 'name one, a glob in quotes, or all; !NAME leaves one out',
  },
  selection_too_large: {
    message: 'the programs cannot select {what}: {most} at most',
    status: 400,
    exitCode: 64,
    remedy: 'select less, or leave the selection out and filter the answer',
  },
  ring_size: {
    message: 'a ring of {bytes} octets: must be a power of two from {least} to 1 GiB',
    status: 400,
    exitCode: 64,
    remedy: 'take 4194304, or another power of two',
  },
  rules_too_many: {
    message: '{count} rules can hold for {prefix}, {most} is the most',
    status: 400,
    exitCode: 65,
    remedy: 'give rules narrower prefixes, or one rule a port range in place of many rules',
  },
  rule_twice: {
    message: 'the rule "{rule}" is there twice',
    status: 400,
    exitCode: 65,
    remedy: 'remove one of them, or replace it: --replace',
  },
  rule_mistake: {
    message: '{file}:{line}:{character}: {reason}',
    status: 400,
    exitCode: 65,
    remedy: 'nothing was changed; correct the line and apply the file again',
  },
  rule_missing: {
    message: 'there is no rule for {cidr}',
    status: 404,
    exitCode: 66,
    remedy: 'weir rules list -i {interface} shows what is loaded',
  },
  rules_unconfirmed: {
    message: 'rules on {interface} wait to be confirmed; they are taken back in {seconds} s',
    status: 409,
    exitCode: 75,
    remedy: 'weir rules confirm -i {interface}, or wait until they are taken back',
  },
  nothing_to_confirm: {
    message: 'no rules on {interface} wait to be confirmed',
    status: 409,
    exitCode: 65,
    remedy: 'the time may be over: weir rules list -i {interface} shows what is in force',
  },
  xdp_not_attached: {
    message: 'Weir has no XDP program on {interface}',
    status: 404,
    exitCode: 66,
    remedy: 'weir xdp attach -i {interface}',
  },
  xdp_attached: {
    message: 'Weir has an XDP program on {interface} already, {mode} mode',
    status: 409,
    exitCode: 73,
    remedy: 'weir xdp detach -i {interface} first; rules change without that',
  },
  xdp_other_version: {
    message:
      'another version of Weir put the XDP program on {interface}: its rules go on, and cannot be read or changed',
    status: 409,
    exitCode: 73,
    remedy:
      'weir xdp detach -i {interface}, then weir xdp attach -i {interface} and load the rules anew',
  },
  xdp_busy: {
    message: 'another command changes XDP on {interface}',
    status: 409,
    exitCode: 75,
    remedy: 'try again when it has ended',
  },
  xdp_readers: {
    message: '{most} readers look at {interface} already',
    status: 409,
    exitCode: 73,
    remedy: 'end one of the commands weir log, weir trace or weir capture',
  },
  capture_link: {
    message: 'frames of {interface} have a link type that is not known here: ARPHRD {type}',
    status: 422,
    exitCode: 69,
    remedy: 'captured are Ethernet, loopback, and interfaces without a link header (tun)',
  },
  probe_defect: {
    message: 'opening the {probe} probe: {reason}',
    status: 500,
    exitCode: 70,
    remedy: 'this is a defect of Weir: please report it with `weir doctor`',
  },
  probe_closed: {
    message: 'the {what} probe is closed',
    status: 500,
    exitCode: 70,
    remedy: 'open it again',
  },
} as const satisfies ErrorTable

/** Makes an error of the table: a code, and values for its words. */
export const fail = errorsOf(kernelErrors)

/** Only inside the kernel, so no libc knows it; bpf() lets it out (linux/errno.h). */
export const ENOTSUPP = 524
