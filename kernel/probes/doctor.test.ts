// What doctor concludes from what it finds, for hosts that are not this one.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Capability, missingCapabilities } from '../loader/host.ts'
import { cgroupMounts, doctor, lockdownOf, verdictOf } from './doctor.ts'
import { dropSpec } from './drop/spec.ts'
import { probeSpecs } from './registry.ts'
import { socketSpec } from './socket/spec.ts'
import { featuresOf } from './spec.ts'

const all: ReadonlySet<string> = new Set([
  'btf_trace_inet_sock_set_state',
  'btf_trace_tcp_destroy_sock',
  'btf_trace_sock_send_length',
  'btf_trace_sock_recv_length',
  'btf_trace_inet_sk_error_report',
  'bpf_iter__task_file',
  'bpf_iter__tcp',
  'bpf_iter__bpf_map_elem',
  'bpf_iter__bpf_sk_storage_map',
  'BPF_FUNC_sock_from_file',
  'bpf_rdonly_cast',
])
const ground = { btf: true, missing: [], reason: '' }
const without = (...names: readonly string[]) =>
  new Set([...all].filter((one) => !names.includes(one)))

test('verdicts name what is missing and the remedy', () => {
  assert.equal(verdictOf(socketSpec, ground, all).state, 'ready')
  assert.equal(verdictOf(socketSpec, ground, without('bpf_rdonly_cast')).state, 'ready')
  const cases = [
    [{ ...ground, btf: false }, new Set<string>(), 'unavailable', /BTF/],
    [{ ...ground, reason: 'no libbpf' }, all, 'unavailable', /libbpf/],
    [{ ...ground, missing: ['CAP_BPF'] }, all, 'unavailable', /CAP_BPF/],
    [ground, without('bpf_iter__task_file'), 'unavailable', /hook/],
    [ground, without('btf_trace_sock_send_length'), 'degraded', /sock_send_length/],
    [ground, without('BPF_FUNC_sock_from_file'), 'degraded', /no process holds/],
  ] as const
  for (const [found, names, state, why] of cases) {
    const verdict = verdictOf(socketSpec, found, names)
    assert.equal(verdict.state, state)
    assert.match(verdict.why, why)
    assert.notEqual(verdict.remedy, '')
  }
})

test('a kernel that refuses iterators over maps is ready where a loop may read slots, else degraded', () => {
  const loop = ['bpf_iter__task', 'bpf_iter_num_new']
  const refusing = without('bpf_iter__bpf_map_elem', 'bpf_iter__bpf_sk_storage_map')
  const old = verdictOf(socketSpec, ground, refusing)
  assert.equal(old.state, 'degraded')
  assert.match(old.why, /refuses iterators over maps/)
  const { state, programs } = verdictOf(socketSpec, ground, new Set([...refusing, ...loop]))
  assert.equal(state, 'ready')
  const whyOf = (name: string) => programs.find(({ hook }) => hook === name)
  assert.equal(whyOf('iter/task')?.available, true)
  assert.equal(whyOf('iter/bpf_map_elem')?.available, false)
  assert.match(whyOf('iter/bpf_map_elem')?.why ?? '', /Linux 5\.11 that allows iterators over maps/)
  const usual = verdictOf(socketSpec, ground, new Set([...all, ...loop]))
  assert.ok(!usual.programs.some(({ hook }) => hook === 'iter/task'), 'not wanted there')
})

test('every hook says what it is for, or what it needs', () => {
  const { programs } = verdictOf(socketSpec, ground, without('btf_trace_sock_send_length'))
  assert.deepEqual(
    programs.map(({ hook }) => hook.split('/')[1]).sort(),
    [...all].flatMap((name) => /^(?:btf_trace_|bpf_iter__)(.+)/.exec(name)?.[1] ?? []).sort(),
  )
  for (const { why } of programs) assert.notEqual(why, '')
  const missing = programs.filter(({ available }) => !available)
  assert.deepEqual(
    missing.map(({ hook }) => hook),
    ['tp_btf/sock_send_length'],
  )
  assert.match(missing[0]?.why ?? '', /Linux 6\.3/)
})

test('of several programs on one hook the first says what it is for', () => {
  const names = new Set(featuresOf(dropSpec))
  const { programs } = verdictOf(dropSpec, ground, names)
  const dropped = programs.find(({ hook }) => hook === 'tp_btf/kfree_skb')
  assert.equal(dropped?.why, 'packets that the kernel dropped, and why')
})

test('lockdown is what the brackets say, none in a kernel that has none', () => {
  assert.equal(lockdownOf('none [integrity] confidentiality\n', true), 'integrity')
  assert.equal(lockdownOf('', false), 'none')
  assert.equal(lockdownOf('', true), 'unknown')
})

test('capabilities: SYS_ADMIN is enough for BPF and PERFMON, for those of the network it is not', () => {
  const missing = (bits: bigint, needed?: readonly Capability[]) =>
    missingCapabilities(needed, `Name:\tx\nCapEff:\t${bits.toString(16).padStart(16, '0')}\n`)
  assert.deepEqual(missing(1n << 21n), [])
  assert.deepEqual(missing((1n << 39n) | (1n << 38n)), [])
  assert.deepEqual(missing(1n << 39n), ['CAP_PERFMON'])
  assert.deepEqual(missing(0n), ['CAP_BPF', 'CAP_PERFMON'])
  assert.deepEqual(missingCapabilities(undefined, ''), ['CAP_BPF', 'CAP_PERFMON'])
  const network = ['CAP_BPF', 'CAP_NET_ADMIN', 'CAP_NET_RAW'] as const
  assert.deepEqual(missing(1n << 21n, network), ['CAP_NET_ADMIN', 'CAP_NET_RAW'])
  assert.deepEqual(missing((1n << 39n) | (1n << 12n), network), ['CAP_NET_RAW'])
})

test('cgroup mounts', () => {
  const unified = '31 24 0:27 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw'
  const old = '33 24 0:29 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu'
  const both = `${old}\n35 24 0:30 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw`
  assert.deepEqual(cgroupMounts(unified), { cgroups: 'cgroup2', cgroupRoot: '/sys/fs/cgroup' })
  assert.deepEqual(cgroupMounts(both), { cgroups: 'hybrid', cgroupRoot: '/sys/fs/cgroup/unified' })
  assert.deepEqual(cgroupMounts(old), { cgroups: 'v1', cgroupRoot: '' })
  assert.deepEqual(cgroupMounts(''), { cgroups: 'none', cgroupRoot: '' })
})

test('doctor answers on any host', () => {
  const report = doctor()
  assert.notEqual(report.kernel, '')
  assert.deepEqual(
    report.probes.map(({ probe }) => probe),
    probeSpecs.map(({ name }) => name),
  )
  assert.match(report.architecture, /^(?:amd64|arm64|[a-z0-9]+)$/)
  assert.notEqual(report.architecture, 'x64')
  assert.ok(report.unseen.some((text) => text.includes('ENETUNREACH')))
})
