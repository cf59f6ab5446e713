// A real PostgreSQL for a test: a new cluster on loopback, killed and started again as the test says.

import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chownSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { freePort } from '../../../common/free-port.fake.ts'

const home = '/usr/lib/postgresql'
const folder = existsSync(home) ? readdirSync(home).toSorted().at(-1) : undefined
const programs = join(home, folder ?? '', 'bin')

/** These calls block the process: no limit of a test would end them. */
const [initMsMax, sqlMsMax] = [120_000, 30_000]

/** As a test's `skip`: why it cannot run. */
export const noPostgres =
  folder === undefined && 'PostgreSQL is not installed: apt-get install postgresql'

export interface Cluster {
  readonly dsn: string
  start(): Promise<void>
  /** SIGKILL of the server and of what it started. */
  kill(): Promise<void>
  /** Output of psql, unaligned; throws when it fails. */
  sql(text: string, database?: string): string
  remove(): Promise<void>
}

/** `settings` of the server: `ssl=on`. */
export async function createCluster(settings: readonly string[] = []): Promise<Cluster> {
  const data = mkdtempSync(join(tmpdir(), 'weir-pg-'))
  const port = await freePort()
  const isRoot = process.getuid?.() === 0
  const id = (flag: string) => Number(execFileSync('id', [flag, 'postgres']))
  const user = isRoot ? { uid: id('-u'), gid: id('-g') } : {}
  if (isRoot) chownSync(data, id('-u'), id('-g'))
  const initdb = [
    '-D',
    data,
    '-A',
    'trust',
    '-N',
    '-U',
    'postgres',
    '-E',
    'UTF8',
    '--locale',
    'C.UTF-8',
  ]
  execFileSync(join(programs, 'initdb'), initdb, { ...user, stdio: 'ignore', timeout: initMsMax })
  let server: ChildProcess | undefined

  /** What a killed server had started holds its memory for a moment: until then a new one ends at once. */
  async function start(): Promise<void> {
    const place = ['-h', '127.0.0.1', '-p', String(port), '-k', '']
    for (let tries = 0; tries < 600; tries++) {
      if (!server || server.exitCode !== null || server.signalCode !== null) {
        const more = settings.flatMap((setting) => ['-c', setting])
        server = spawn(join(programs, 'postgres'), ['-D', data, ...place, ...more], {
          ...user,
          stdio: 'ignore',
        })
      }
      if (isReady()) return
      await delay(100)
    }
    throw new Error('postgres is not ready within a minute')
  }

  function isReady(): boolean {
    try {
      sql('SELECT 1')
      return true
    } catch {
      return false
    }
  }

  async function kill(): Promise<void> {
    if (!server || server.exitCode !== null || server.signalCode !== null) return
    const ended = once(server, 'exit')
    server.kill('SIGKILL')
    await ended
  }

  function sql(text: string, database = 'postgres'): string {
    const place = ['-h', '127.0.0.1', '-p', String(port), '-U', 'postgres', '-d', database]
    const form = ['-X', '-A', '-t', '-v', 'ON_ERROR_STOP=1']
    const stdio: ('ignore' | 'pipe')[] = ['ignore', 'pipe', 'ignore']
    const limited = { stdio, timeout: sqlMsMax, env: { ...process.env, PGCONNECT_TIMEOUT: '5' } }
    return execFileSync(join(programs, 'psql'), [...place, ...form, '-c', text], limited)
      .toString()
      .trim()
  }

  async function remove(): Promise<void> {
    await kill()
    rmSync(data, { recursive: true, force: true })
  }

  const dsn = `postgresql://postgres:secret@127.0.0.1:${port}/postgres`
  return { dsn, start, kill, sql, remove }
}
