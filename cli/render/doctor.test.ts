import assert from 'node:assert/strict'
import { test } from 'node:test'
import { doctorLines, type HostReport, isHealthy } from './doctor.ts'

const report: HostReport = {
  kernel: '6.1.0-27-amd64',
  architecture: 'amd64',
  btf: true,
  lockdown: 'integrity',
  cgroups: 'hybrid',
  cgroupRoot: '/sys/fs/cgroup/unified',
  libbpf: 'v1.1',
  uid: 0,
  missingCapabilities: [],
  probes: [
    {
      probe: 'socket',
      state: 'degraded',
      programs: [
        { hook: 'tp_btf/inet_sock_set_state', available: true, why: 'begin and end' },
        { hook: 'tp_btf/sock_send_length', available: false, why: 'needs Linux 6.3' },
      ],
      why: 'sock_send_length is not in this kernel',
      remedy: '',
    },
  ],
  unseen: ['no route (ENETUNREACH)'],
  agents: [],
}

test('a host that lacks nothing', () => {
  assert.deepEqual(doctorLines(report, undefined), [
    'Linux 6.1.0-27-amd64 amd64 · BTF yes · lockdown integrity · cgroup hybrid, cgroup2 at /sys/fs/cgroup/unified · libbpf 1.1 · uid 0',
    'PROBE   STATE     HOOK                        WHY',
    'socket  degraded  –                           sock_send_length is not in this kernel',
    '                  tp_btf/inet_sock_set_state  begin and end',
    '                  (tp_btf/sock_send_length)   needs Linux 6.3',
    'Missing: nothing.',
    'Not seen on any host:',
    '  no route (ENETUNREACH)',
  ])
  assert.ok(isHealthy(report))
})

test('where flows come in, a small net.core.rmem_max is named with its remedy', () => {
  const intake = { flows: '0.0.0.0:2055', wantedBytes: 8_388_608, allowedBytes: 212_992 }
  const remedy = 'sysctl -w net.core.rmem_max=8388608'
  const lines = doctorLines({ ...report, intake: { ...intake, remedy } }, undefined)
  const at = lines.indexOf('Flows of routers come in at 0.0.0.0:2055:')
  assert.deepEqual(lines.slice(at + 1, at + 4), [
    '  net.core.rmem_max 212992, central asks for 8388608',
    'Missing:',
    `  ${remedy}`,
  ])
})

test('no line of the doctor is wider than the screen', () => {
  for (const line of doctorLines(report, 80)) assert.ok([...line].length <= 80, line)
})

test('what is missing stands below with its remedy, once', () => {
  const probe = {
    probe: 'socket',
    state: 'unavailable',
    programs: [],
    why: 'no libbpf.so.1',
    remedy: 'apt-get install libbpf1',
  }
  const poor = {
    ...report,
    libbpf: '',
    cgroups: 'none',
    cgroupRoot: '',
    uid: 1000,
    missingCapabilities: ['CAP_BPF', 'CAP_PERFMON'],
    probes: [probe, { ...probe, probe: 'udp' }],
  }
  const lines = doctorLines(poor, undefined)
  assert.match(lines[0] ?? '', /cgroup none · libbpf missing · uid 1000$/)
  assert.deepEqual(lines.slice(-5, -2), [
    'Missing:',
    '  capabilities: CAP_BPF, CAP_PERFMON',
    '  apt-get install libbpf1',
  ])
  assert.ok(!isHealthy(poor))
})

test('agents that watch interfaces stand with the hook, and with what refused', () => {
  const interfaces = [
    { probe: 'flow', name: 'eth0', hook: 'tcx', refused: '' },
    { probe: 'flow', name: 'wg0', hook: '', refused: 'no link header' },
  ]
  const lines = doctorLines({ ...report, agents: [{ pid: 4711, interfaces }] }, undefined)
  const at = lines.indexOf('Agent 4711:')
  assert.deepEqual(lines.slice(at, at + 3), [
    'Agent 4711:',
    '  watches  eth0 (flow by tcx)',
    '  refused  wg0 (flow): no link header',
  ])
})
