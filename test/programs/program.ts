// Debian's own programs as traffic: where they are, and how one that serves is started in a namespace of a lab.

import { once } from 'node:events'
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { besideProcessOne } from '../../common/process-one.fake.ts'
import { type Lab, type Program, until, withNamespaces } from '../traffic/mod.ts'

/** Program → Debian package; `tools/ready.mjs test` installs them. */
const packages: Readonly<Record<string, string>> = {
  nginx: 'nginx-light',
  ab: 'apache2-utils',
  'redis-server': 'redis-server',
  'redis-benchmark': 'redis-tools',
  'redis-cli': 'redis-tools',
  haproxy: 'haproxy',
  socat: 'socat',
  prometheus: 'prometheus',
  promtool: 'prometheus',
  postgres: 'postgresql',
  initdb: 'postgresql',
  pgbench: 'postgresql',
}

/** Path of a program; undefined where it is not installed. */
export function pathOf(name: string): string | undefined {
  const folders = ['/usr/sbin', '/usr/bin', ...postgresFolders()]
  // The wrapper in /usr/bin asks the machine's own clusters; the real ones come with their version.
  if (packages[name] === 'postgresql') folders.reverse()
  return folders.map((folder) => join(folder, name)).find(existsSync)
}

function postgresFolders(): readonly string[] {
  const home = '/usr/lib/postgresql'
  const versions = existsSync(home) ? readdirSync(home) : []
  return versions.sort((a, b) => Number(a) - Number(b)).map((version) => join(home, version, 'bin'))
}

/** Why a test with these programs cannot run here, as `skip` takes it; false when it can. */
export function missing(...names: readonly string[]): string | false {
  const absent = names.filter((name) => pathOf(name) === undefined)
  if (absent.length === 0) return false
  const needed = [...new Set(absent.map((name) => packages[name]))].join(' ')
  return `${absent.join(', ')} is not installed: apt-get install ${needed}`
}

/** Namespaces for a program whose own books say what Weir must have seen of it. */
export function withBooks(count: number, work: (lab: Lab) => Promise<void>): Promise<void> {
  return besideProcessOne(() => withNamespaces(count, work))
}

/** Starts a server in a namespace and waits until something listens on its port there. */
export async function serve(
  lab: Lab,
  at: number,
  port: number,
  command: readonly [string, ...string[]],
): Promise<Program> {
  const [name, ...args] = command
  const server = lab.start(at, pathOf(name) ?? name, ...args)
  server.stdout.resume()
  await until(`${name} to listen on port ${port}`, async () => {
    if (server.exitCode !== null) throw new Error(`${name} ended with ${server.exitCode}`)
    return (await lab.run(at, 'ss', '-tlnH', `sport = :${port}`)) !== ''
  })
  return server
}

export interface Called {
  readonly pid: number
  readonly said: string
}

/** Runs a client in a namespace to its end; what it says on standard error goes to ours. */
export async function call(
  lab: Lab,
  at: number,
  name: string,
  ...args: readonly string[]
): Promise<Called> {
  const client = lab.start(at, pathOf(name) ?? name, ...args)
  const exit = once(client, 'exit')
  const said = await text(client.stdout)
  const [code] = await exit
  if (code !== 0) throw new Error(`${name} ended with ${code}: ${said}`)
  return { pid: client.pid!, said }
}
