// Events that the agents of another monitor forward to a real central: which pod they name, as that monitor's own
// parameters, our filter language, our parameters and the command line find it.

import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { apiAt, spawnWeir } from '../river.ts'
import { until } from '../traffic/mod.ts'

const pods = ['cart-0', 'cart-1']

test('the pods of forwarded events: each way to ask finds its own events, and none of a third', async () => {
  const data = mkdtempSync(join(tmpdir(), 'weir-forwarded-'))
  const args = ['--data', data, '--listen', '127.0.0.1:0', '--ingest', 'unix']
  const central = spawnWeir(['central', ...args])
  try {
    const base = await until(
      'the address of central',
      () => /http:\/\/127\.0\.0\.1:\d+/.exec(central.output())?.[0],
      60_000,
    )
    const events = pods.map((k8s_pod_name, index) => ({
      ...{ type: 'connection', pid: 70 + index, command: 'client', return_code: 0 },
      ...{ k8s_pod_name, k8s_namespace: 'store', k8s_node_name: 'node-a' },
      ...{ time: new Date().toISOString(), destination_ip: '192.0.2.7', destination_port: 443 },
      protocol: 'TCP',
    }))
    const posted = await fetch(`${base}/api/events/ingest`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ events }),
    })
    assert.deepEqual(await posted.json(), { status: 'success', processed: 2, total: 2 })
    await until('both rows in the store', async () => (await pidsOf(base, 'pod ~ .')).length === 2)
    for (const [index, pod] of [...pods, 'cart-2'].entries()) {
      const wanted = index < pods.length ? [70 + index] : []
      assert.deepEqual(await monitorPids(base, pod), wanted, pod)
      assert.deepEqual(await pidsOf(base, `src_pod = ${pod}`), wanted, pod)
      const { rows } = await apiAt(base).get('/api/events', { src_pod: pod })
      assert.deepEqual(
        rows.map((row) => row['src_pid']),
        wanted,
        pod,
      )
      assert.deepEqual(await commandPids(base, `src_pod = ${pod}`), wanted, pod)
    }
  } finally {
    central.child.kill('SIGTERM')
    await central.ended
    rmSync(data, { recursive: true, force: true })
  }
})

async function monitorPids(base: string, pod: string): Promise<readonly number[]> {
  const answer = await fetch(`${base}/api/events?k8s_pod_name=${pod}`)
  const { events } = (await answer.json()) as { events: { pid: number; k8s_pod_name: string }[] }
  assert.ok(events.every(({ k8s_pod_name: shown }) => shown === pod))
  return events.map(({ pid }) => pid)
}

async function pidsOf(base: string, filter: string) {
  const { rows } = await apiAt(base).get('/api/events', { filter })
  return rows.map((row) => row['src_pid'])
}

async function commandPids(base: string, filter: string): Promise<readonly number[]> {
  const weir = spawnWeir(['events', filter, '--server', base, '--output', 'ndjson'])
  assert.equal(await weir.ended, 0, weir.output())
  return weir
    .output()
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line).src_pid)
}
