// PostgreSQL, a process per connection, with a client that connects anew for every transaction.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { chownSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { withRiver } from '../river.ts'
import { command, type Lab, type Program, until } from '../traffic/mod.ts'
import { assertBooks, assertWholeCoverage, carriedIn } from './carried.ts'
import { call, missing, pathOf, serve, withBooks } from './program.ts'

const port = 5432
const transactions = 240

test(
  'pgbench -C: every transaction a connection, every connection its own backend',
  {
    skip: missing('postgres', 'initdb', 'pgbench'),
  },
  () =>
    withBooks(2, (lab) =>
      withCluster(lab, async ({ address, log }) => {
        const place = ['-h', address, '-U', 'postgres', 'postgres']
        // It listens before it answers: until then every client is refused with "starting up".
        await until('the cluster to be ready', () =>
          readFileSync(log, 'utf8').includes('ready to accept connections'),
        )
        await lab.run(0, pathOf('pgbench')!, '-i', '-q', ...place)
        await withRiver({}, async (river) => {
          const before = backends(log).length
          const load = ['-C', '-n', '-c', '4', '-j', '1', '-t', String(transactions / 4)]
          const done = await call(lab, 0, 'pgbench', ...load, ...place)
          const processed = /actually processed: (\d+)\/(\d+)/.exec(done.said)
          assert.deepEqual(processed?.slice(1).map(Number), [transactions, transactions])

          // pgbench asks once for itself before it begins.
          const own = await until('every connection in the log', () => {
            const found = backends(log).slice(before)
            return found.length > transactions && found
          })
          const carried = await carriedIn(river, lab, { dst_port: port }, () => own.length)
          assertBooks(
            carried,
            own.map((backend) => ({ ...backend, src_pid: done.pid, src_process: 'pgbench' })),
          )
          assert.equal(new Set(carried.map(({ dst_pid }) => dst_pid)).size, own.length)
          assert.ok(carried.every(({ bytes, reverse_bytes }) => bytes > 0 && reverse_bytes > 0))
          await assertWholeCoverage(river)
        })
      }),
    ),
)

/** The process that served each connection, by the client's port, as the server logs them. */
function backends(log: string): readonly { src_port: number; dst_pid: number }[] {
  const lines = readFileSync(log, 'utf8').matchAll(
    /^(\d+) LOG: {2}connection received: host=\S+ port=(\d+)$/gm,
  )
  return [...lines].map(([, pid, client]) => ({ src_port: Number(client), dst_pid: Number(pid) }))
}

interface Cluster {
  readonly address: string
  readonly log: string
}

const asPostgres = ['setpriv', '--reuid=postgres', '--regid=postgres', '--clear-groups'] as const

/** A new cluster of the user postgres in a folder of its own, served in namespace 1. */
async function withCluster(lab: Lab, work: (cluster: Cluster) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'weir-postgres-'))
  try {
    const [uid, gid] = await Promise.all(['-u', '-g'].map((id) => command('id', [id, 'postgres'])))
    chownSync(folder, Number(uid), Number(gid))
    const data = join(folder, 'data')
    const [setpriv, ...user] = asPostgres
    const options = ['-D', data, '-A', 'trust', '-N', '-U', 'postgres']
    await command(setpriv, [...user, pathOf('initdb')!, ...options], { timeoutMs: 60_000 })
    const address = lab.address(1, 'v4')
    const server = await startServer(lab, folder, data, address)
    try {
      await work({ address, log: join(folder, 'log') })
    } finally {
      const ended = once(server, 'exit')
      server.kill('SIGINT')
      await ended
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function startServer(lab: Lab, folder: string, data: string, address: string): Promise<Program> {
  writeFileSync(join(folder, 'access'), 'host all all 0.0.0.0/0 trust\n', { mode: 0o644 })
  const settings = {
    hba_file: join(folder, 'access'),
    listen_addresses: address,
    port: String(port),
    unix_socket_directories: '',
    fsync: 'off',
    log_connections: 'on',
    log_line_prefix: '%p ',
  }
  const options = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])
  const logging = ['sh', '-c', `exec "$0" "$@" 2>${join(folder, 'log')}`]
  const postgres = [pathOf('postgres')!, '-D', data, ...options]
  return serve(lab, 1, port, [...asPostgres, ...logging, ...postgres])
}
