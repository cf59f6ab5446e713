// What is said of running programs against bpftool, which reads the same kernel by itself.

import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { closeSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { after, before, test } from 'node:test'
import { bpfCall } from '../loader/bpf-call.ts'
import { fail } from '../loader/errors.ts'
import { type OpenedProbes, openProbes, probeSpecs, programStates } from './registry.ts'

let probes: OpenedProbes

before(async () => {
  probes = await openProbes({ ringBytes: 1 << 16 })
})
after(() => {
  for (const probe of probes?.opened ?? []) probe.close()
})

function bpftool<T>(what: 'prog' | 'map', id: number): T {
  const options = ['-j', what, 'show', 'id', String(id)]
  return JSON.parse(execFileSync('bpftool', options, { encoding: 'utf8', timeout: 10_000 })) as T
}

interface ShownProgram {
  readonly name: string
  readonly run_cnt?: number
  readonly run_time_ns?: number
  readonly map_ids?: readonly number[]
}

/** One connection over loopback, from its begin to its end. */
async function oneConnection(): Promise<void> {
  const server = createServer((socket) => socket.resume().on('end', () => socket.end()))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { readonly port: number }
  const socket = connect(port, '127.0.0.1').resume()
  await new Promise((resolve) => socket.on('connect', resolve))
  socket.end('x')
  await new Promise((resolve) => socket.on('close', resolve))
  await new Promise((resolve) => server.close(resolve))
}

/** Runs are counted while the descriptor is open: afterwards the figures stand still. */
async function whileCounted(work: () => Promise<void>): Promise<void> {
  const statistics = bpfCall('enableStatistics', [0])
  assert.ok(statistics >= 0, 'BPF_ENABLE_STATS')
  try {
    await work()
  } finally {
    closeSync(statistics)
  }
}

test('runs, run time and memory of maps are what bpftool shows', async (t) => {
  const sysctl = execFileSync('sysctl', ['-n', 'kernel.bpf_stats_enabled'], { encoding: 'utf8' })
  if (sysctl.trim() !== '0')
    return t.skip('kernel.bpf_stats_enabled is on: figures never stand still')
  await whileCounted(oneConnection)
  const ready = programStates(probes).filter(({ state }) => state === 'ready')
  assert.ok(ready.length >= 5, `${ready.length} programs`)
  for (const { program, id, runs, runTimeNs, mapBytes } of ready) {
    const shown = bpftool<ShownProgram>('prog', id)
    // They do not stand still while another test has its runs counted: then bpftool's lie between two of ours.
    const again = programStates(probes).find((one) => one.id === id)
    const [runsShown, timeShown] = [shown.run_cnt ?? 0, shown.run_time_ns ?? 0]
    assert.ok(program.startsWith(shown.name.slice(0, 15)), `${program}, ${shown.name}`)
    assert.ok(runs <= runsShown && runsShown <= (again?.runs ?? 0), program)
    assert.ok(runTimeNs <= timeShown && timeShown <= (again?.runTimeNs ?? 0), program)
    const sizes = (shown.map_ids ?? []).map((map) => bpftool<{ bytes_memlock: number }>('map', map))
    const memlock = sizes.reduce((sum, { bytes_memlock: octets }) => sum + octets, 0)
    assert.equal(mapBytes, memlock, program)
    assert.ok(mapBytes > 0, program)
  }
  const state = ready.find(({ program }) => program === 'socket_state')
  assert.ok((state?.runs ?? 0) >= 4, 'the programs ran')
})

test('programs that are not loaded say why, those of a probe that did not open too', () => {
  for (const { state, reason, id } of programStates(probes)) {
    assert.equal(state === 'ready', reason === '', reason)
    assert.equal(state === 'ready', id > 0)
  }
  const error = fail('btf_missing', { details: { path: '/nowhere' } })
  const failed = programStates({ opened: [], failed: [{ probe: 'socket', error }] })
  const [spec] = probeSpecs
  assert.deepEqual(
    failed.map(({ program }) => program),
    spec?.hooks.map(({ program }) => program),
  )
  assert.ok(failed.every(({ state, reason }) => state === 'failed' && reason === error.message))
})
