// `weir sidecar` as people run it: one process selected in the kernel, the seven names with the truth of the sockets,
// and all of that with CAP_BPF and CAP_PERFMON alone.

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { spawnWeir, weirProgram } from '../river.ts'
import { openPair, type Pair, until, withNamespaces } from '../traffic/mod.ts'

const sent = 70_001
const answered = 5_003

interface Started {
  readonly metrics: () => Promise<string>
  readonly base: string
}

/** Runs `work` beside a sidecar; ends it with SIGTERM, to which it must answer with exit code 0. */
async function withSidecar(
  args: readonly string[],
  work: (sidecar: Started) => Promise<void>,
  launch: readonly string[] = [],
): Promise<void> {
  const options = ['sidecar', '--metrics-port', '0', '--interval', '500ms', ...args]
  const weir =
    launch.length === 0 ? spawnWeir(options) : spawnBy([...launch, weirProgram, ...options])
  try {
    const base = await until(
      'the address of weir sidecar',
      () => {
        if (weir.child.exitCode !== null) throw new Error('weir sidecar ended')
        return /http:\/\/127\.0\.0\.1:\d+/.exec(weir.output())?.[0]
      },
      60_000,
    )
    const metrics = async () => (await fetch(`${base}/metrics`)).text()
    await work({ base, metrics })
  } catch (error) {
    console.error(`--- weir sidecar said:\n${weir.output()}---`)
    throw error
  } finally {
    weir.child.kill('SIGTERM')
  }
  assert.equal(await weir.ended, 0)
}

function spawnBy([file = '', ...args]: readonly string[]) {
  const child = spawn(file, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  let text = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (part) => (text += part))
  const ended = new Promise<number | null>((resolve) => child.once('exit', resolve))
  return { child, ended, output: () => text }
}

/** Value of the sample with this name and destination port. */
function sampleOf(text: string, name: string, port: number): number | undefined {
  const line = text
    .split('\n')
    .find((one) => one.startsWith(`${name}{`) && one.includes(`dst_port="${port}"`))
  return line === undefined ? undefined : Number(line.slice(line.lastIndexOf(' ') + 1))
}

async function settled(sidecar: Started, port: number, bytes: readonly [number, number]) {
  const wanted = JSON.stringify(bytes)
  return until(`the bytes ${wanted} of port ${port}`, async () => {
    const text = await sidecar.metrics()
    const found = ['sent', 'received'].map((way) =>
      sampleOf(text, `sidecar_connection_bytes_${way}_total`, port),
    )
    return JSON.stringify(found) === wanted && text
  })
}

async function talk(pair: Pair): Promise<void> {
  await pair.forth(sent)
  await pair.back(answered)
  await pair.settle()
}

test(
  'an accepted connection of the process: sent is what it sent; closed, the last values stay',
  {
    timeout: 120_000,
  },
  () =>
    withNamespaces(2, async (lab) => {
      const [client, server] = [await lab.peer(0, 'client'), await lab.peer(1, 'server')]
      await withSidecar(['--pid', String(server.pid)], async (sidecar) => {
        const place = { lab, name: 'sidecar', client, server, version: 'v4' } as const
        const pair = await openPair(place)
        await talk(pair)
        const { dst_port: port } = pair.soFar()
        const open = await settled(sidecar, port, [answered, sent])
        assert.match(open, /^sidecar_active_connections 1$/m)
        assert.match(open, new RegExp(`dst_ip="${lab.address(1, 'v4').replaceAll('.', '\\.')}"`))
        assert.ok((sampleOf(open, 'sidecar_connection_packets_received_total', port) ?? 0) > 0)
        assert.ok((sampleOf(open, 'sidecar_connection_duration_seconds', port) ?? 0) > 0)
        await pair.client.close()
        await pair.server.close()
        await until('no active connection', async () =>
          /^sidecar_active_connections 0$/m.test(await sidecar.metrics()),
        )
        await settled(sidecar, port, [answered, sent])
        assert.equal(await (await fetch(`${sidecar.base}/health`)).text(), 'OK')
      })
    }),
)

test(
  'ports and other keys come from a file in the shape of system 003; another port is not shown',
  {
    timeout: 120_000,
  },
  () =>
    withNamespaces(2, async (lab) => {
      const folder = mkdtempSync(join(tmpdir(), 'weir-sidecar-'))
      const [client, server] = [await lab.peer(0, 'client'), await lab.peer(1, 'server')]
      const place = { lab, name: 'sidecar', client, server, version: 'v4' } as const
      try {
        const wanted = await openPair(place)
        const other = await openPair(place)
        const { dst_port: port } = wanted.soFar()
        const file = join(folder, 'sidecar.yaml')
        writeFileSync(
          file,
          `target: { pid: 0, ports: [1, ${port}] }
metrics: { interval_secs: 1, enable_http: false, max_connections: 100 }
logging: { level: warn, ebpf_debug: false }
`,
        )
        await withSidecar(['--config', file], async (sidecar) => {
          await talk(wanted)
          await talk(other)
          const text = await settled(sidecar, port, [sent, answered])
          assert.equal(
            sampleOf(text, 'sidecar_connection_bytes_sent_total', other.soFar().dst_port),
            undefined,
          )
        })
      } finally {
        rmSync(folder, { recursive: true })
      }
    }),
)

test(
  'CAP_BPF and CAP_PERFMON are enough for connections that open while it runs',
  {
    timeout: 120_000,
  },
  () =>
    withNamespaces(2, async (lab) => {
      const [client, server] = [await lab.peer(0, 'client'), await lab.peer(1, 'server')]
      const few = ['setpriv', '--bounding-set', '-all,+bpf,+perfmon', '--inh-caps', '-all']
      const name = readFileSync(`/proc/${client.pid}/comm`, 'utf8').trimEnd()
      const args = ['--process-name', name]
      await withSidecar(
        args,
        async (sidecar) => {
          const pair = await openPair({ lab, name: 'caps', client, server, version: 'v4' })
          await talk(pair)
          await settled(sidecar, pair.soFar().dst_port, [sent, answered])
        },
        few,
      )
    }),
)

test('what cannot be selected is a mistake with the place, not a wider selection', async () => {
  for (const [args, said, code = 64] of [
    [['--ports', '1,2,3,4,5,6,7,8,9'], /expected 1 to 8 ports/],
    [['--ports', '80,http'], /expected 1 to 8 ports/],
    [['--process-name', 'a-name-of-sixteen'], /15 octets at most/],
    [['--pid', '4194303'], /expected a running process/],
    [['--metrics-address', '0.0.0.0'], /refusing to listen on 0\.0\.0\.0:9090/, 77],
  ] as const) {
    const weir = spawnWeir(['sidecar', ...args])
    assert.equal(await weir.ended, code, weir.output())
    assert.match(weir.output(), said)
  }
})
