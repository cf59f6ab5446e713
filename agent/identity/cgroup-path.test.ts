// Paths as real hosts have them: systemd, Docker, containerd, CRI-O, Podman, Kubernetes; v2 and hybrid.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ownerOfCgroup } from './cgroup-path.ts'

const id = '3f4e9a'.padEnd(64, '0b1')
const pod = 'pod4f2d6b60_1d0d_4e8f_9f5c_7a1f1f0c9a11'

const containers: readonly string[] = [
  `/system.slice/docker-${id}.scope`,
  `/system.slice/docker-${id}.scope/init.scope`,
  `/docker/${id}`,
  `/docker/${id}/system.slice/nginx.service`,
  `/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-${pod}.slice/cri-containerd-${id}.scope`,
  `/kubepods.slice/kubepods-${pod}.slice/crio-${id}.scope`,
  `/kubepods.slice/kubepods-${pod}.slice/crio-${id}.scope/container`,
  `/kubepods/besteffort/${pod}/${id}`,
  `/kubepods/${pod}/${id}`,
  `/system.slice/containerd.service/kubepods-burstable-${pod}.slice:cri-containerd:${id}`,
  `/machine.slice/libpod-${id}.scope/container`,
  `/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-${id}.scope`,
  `/libpod_parent/libpod-${id}`,
  `/default/${id}`,
]

const units: readonly [string, string][] = [
  ['/', ''],
  ['/system.slice/nginx.service', 'nginx.service'],
  ['/system.slice/nginx.service/workers', 'nginx.service'],
  ['/system.slice/system-getty.slice/getty@tty1.service', 'getty@tty1.service'],
  ['/init.scope', 'init.scope'],
  ['/user.slice/user-1000.slice/session-3.scope', 'session-3.scope'],
  [
    '/user.slice/user-1000.slice/user@1000.service/app.slice/app-org.gnome.Terminal.slice/vte-spawn-1.scope',
    'vte-spawn-1.scope',
  ],
  [
    '/system.slice/system-postgresql.slice/postgresql@15-main.service',
    'postgresql@15-main.service',
  ],
  [String.raw`/system.slice/dev-disk-by\x2dlabel-data.service`, 'dev-disk-by-label-data.service'],
  [String.raw`/system.slice/caf\xc3\xa9.service`, 'café.service'],
  ['/machine.slice/machine-web.scope', 'machine-web.scope'],
  [`/kubepods.slice/kubepods-${pod}.slice/crio-conmon-${id}.scope`, `crio-conmon-${id}.scope`],
  [`/build/${id}`, ''],
]

test('container paths give the id and no unit', () => {
  for (const path of containers) {
    assert.deepEqual(ownerOfCgroup(path), { unit: '', container: id }, path)
  }
})

test('unit paths give the deepest unit', () => {
  for (const [path, unit] of units) {
    assert.deepEqual(ownerOfCgroup(path), { unit, container: '' }, path)
  }
})
