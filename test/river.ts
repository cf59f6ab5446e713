// A whole `weir up` for a test: started, asked through its API, hurt by role, and surely gone afterwards.

import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { command, until } from './traffic/mod.ts'

export const weirProgram = fileURLToPath(new URL('../bin/weir', import.meta.url))

/** The processes of `weir up`. */
export type Role = 'supervisor' | 'agent' | 'central' | 'storage'

/** A row of any answer, in the names of the table of fields. */
export type JsonRow = Readonly<Record<string, string | number | boolean | null>>

export interface Answer {
  readonly rows: readonly JsonRow[]
  readonly next: string | null
  readonly coverage: {
    readonly share: number
    readonly lost: Readonly<Record<string, number>>
    readonly gaps: readonly { readonly node: string; readonly from: string; readonly to: string }[]
  }
}

/** An API that can be asked. */
export interface Api {
  readonly base: string
  get(path: string, query?: Query): Promise<Answer>
  /** Every flow row that fits, oldest first, through all pages. */
  flows(query?: Query): Promise<readonly JsonRow[]>
}

export interface River extends Api {
  readonly data: string
  /** What it has printed so far. */
  output(): string
  pid(role: Role): number | undefined
  kill(role: Role, signal?: NodeJS.Signals): Promise<number>
  /** Ctrl-C, and the exit code. */
  stop(): Promise<number | null>
}

export type Query = Readonly<Record<string, string | number | readonly (string | number)[]>>

export interface RiverOptions {
  readonly data?: string
  readonly args?: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  /** Which errors in the log the test brings about; any other one fails it. */
  readonly errors?: RegExp
}

const entries: Readonly<Record<Exclude<Role, 'supervisor'>, RegExp>> = {
  agent: /main\.ts agent /,
  central: /main\.ts central /,
  storage: /store\/worker\/main\.ts/,
}

/** Starts `weir up` on a free port with short intervals, waits until it answers, and ends it after `work`. */
export async function withRiver<T>(
  options: RiverOptions,
  work: (river: River) => Promise<T>,
): Promise<T> {
  const data = options.data ?? mkdtempSync(join(tmpdir(), 'weir-river-'))
  try {
    const river = await startRiver({ ...options, data })
    try {
      const result = await work(river).finally(river.stop)
      assertCalm(river.output(), options.errors)
      return result
    } catch (error) {
      console.error(`--- weir up said:\n${river.output()}---`)
      throw error
    }
  } finally {
    if (options.data === undefined) rmSync(data, { recursive: true, force: true })
  }
}

/** What goes wrong without a wrong answer is in the log alone: lines of level error (50) and above. */
function assertCalm(output: string, expected?: RegExp): void {
  const errors = output.match(/^\{"level":[56]0,.*$/gm) ?? []
  assert.deepEqual(
    errors.filter((line) => !expected?.test(line)),
    [],
  )
}

/** As `withRiver`, for tests that end it in their own way; `data` is theirs to remove. */
export async function startRiver(options: RiverOptions & { data: string }): Promise<River> {
  const beganMs = Date.now()
  const started = spawnWeir(
    ['up', '--data', options.data, '--listen', '127.0.0.1:0', '--interval', '250ms'].concat(
      options.args ?? [],
    ),
    options.env,
  )
  const base = await until(
    'the address of weir up',
    () => {
      if (started.child.exitCode !== null) throw new Error(`weir up ended:\n${started.output()}`)
      return /http:\/\/127\.0\.0\.1:\d+/.exec(started.output())?.[0]
    },
    60_000,
  ).catch(async (error) => {
    started.child.kill('SIGKILL')
    throw error
  })
  const river = createRiver(started, base, options.data)
  await watching(river, beganMs).catch(async (error) => {
    await river.stop()
    throw error
  })
  return river
}

/**
 * Waits until an agent has ended an interval since then: what happens from now on is seen. One that has no answer of
 * central within a second is ready before it watches.
 */
export async function watching(api: Api, sinceMs: number): Promise<void> {
  const asked = { from: new Date(sinceMs).toISOString(), stage: 'agent' }
  await until(
    'the agent to watch',
    async () => (await api.get('/api/ledger', asked)).rows.length > 0,
  )
}

export interface StartedWeir {
  readonly child: ChildProcess
  readonly ended: Promise<number | null>
  output(): string
}

/** Runs `bin/weir` with any arguments, perhaps in a network namespace; its output is kept. */
export function spawnWeir(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
  netns?: string,
): StartedWeir {
  const inside = netns === undefined ? [] : ['nsenter', `--net=${netns}`, '--']
  const [file = '', ...rest] = [...inside, weirProgram, ...args]
  const child = spawn(file, rest, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, NO_COLOR: '1', ...env },
  })
  let text = ''
  child.stdout.on('data', (part: Buffer) => (text += part))
  child.stderr.on('data', (part: Buffer) => (text += part))
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve))
  return { child, ended, output: () => text }
}

/** Asks the API at an address. */
export function apiAt(base: string): Api {
  async function get(path: string, query: Query = {}): Promise<Answer> {
    const answer = await fetch(`${base}${path}?${parameters(query)}`)
    const body = await answer.text()
    if (!answer.ok) throw new Error(`GET ${path}: ${answer.status} ${body}`)
    return JSON.parse(body) as Answer
  }

  async function flows(query: Query = {}): Promise<readonly JsonRow[]> {
    const rows: JsonRow[] = []
    for (let cursor: string | null = ''; cursor !== null; ) {
      const page: Answer = await get('/api/flows', {
        limit: 10_000,
        order: 'time',
        ...query,
        ...(cursor === '' ? {} : { cursor }),
      })
      rows.push(...page.rows)
      cursor = page.next
    }
    return rows
  }

  return { base, get, flows }
}

function createRiver(started: StartedWeir, base: string, data: string): River {
  const { child, ended } = started

  function pid(role: Role): number | undefined {
    const tree = descendants(child.pid!)
    if (role === 'supervisor') return child.pid
    return tree.find((one) => entries[role].test(commandLine(one)))
  }

  async function kill(role: Role, signal: NodeJS.Signals = 'SIGKILL'): Promise<number> {
    const victim = await until(`the pid of ${role}`, () => pid(role))
    process.kill(victim, signal)
    return victim
  }

  async function stop(): Promise<number | null> {
    child.kill('SIGINT')
    const limit = setTimeout(() => child.kill('SIGKILL'), 30_000)
    const code = await ended
    clearTimeout(limit)
    return code
  }

  return { ...apiAt(base), data, output: started.output, pid, kill, stop }
}

function parameters(query: Query): string {
  const pairs = Object.entries(query).flatMap(([name, value]) =>
    (Array.isArray(value) ? value : [value]).map((one) => [name, String(one)] as [string, string]),
  )
  return new URLSearchParams(pairs).toString()
}

function descendants(pid: number): number[] {
  const children = readQuietly(`/proc/${pid}/task/${pid}/children`).split(' ').filter(Boolean)
  return children.flatMap((child) => [Number(child), ...descendants(Number(child))])
}

function commandLine(pid: number): string {
  return readQuietly(`/proc/${pid}/cmdline`).replaceAll('\0', ' ')
}

function readQuietly(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}

/** Whether a process is there, zombies not counted. */
export function alive(pid: number): boolean {
  const state = /^State:\s+(\w)/m.exec(readQuietly(`/proc/${pid}/status`))?.[1]
  return state !== undefined && state !== 'Z'
}

/** A BPF program, map or link that a process holds, as its descriptors tell. */
export interface KernelObject {
  readonly kind: 'prog' | 'map' | 'link'
  readonly id: number
  /** Of maps, as in linux/bpf.h: 27 is a ring. */
  readonly mapType: number | undefined
}

export function heldObjects(pid: number): readonly KernelObject[] {
  return readdirSync(`/proc/${pid}/fdinfo`).flatMap((fd) => {
    const text = readQuietly(`/proc/${pid}/fdinfo/${fd}`)
    const mapType = /^map_type:\s+(\d+)/m.exec(text)?.[1]
    return [...text.matchAll(/^(prog|map|link)_id:\s+(\d+)/gm)].map((found) => ({
      kind: found[1] as KernelObject['kind'],
      id: Number(found[2]),
      mapType: mapType === undefined ? undefined : Number(mapType),
    }))
  })
}

/** Which of them the kernel still has. */
export async function leftObjects(objects: readonly KernelObject[]): Promise<KernelObject[]> {
  const left: KernelObject[] = []
  for (const kind of ['prog', 'map', 'link'] as const) {
    const listed = JSON.parse(await command('bpftool', ['-j', kind, 'show'])) as { id: number }[]
    const ids = new Set(listed.map(({ id }) => id))
    left.push(...objects.filter((one) => one.kind === kind && ids.has(one.id)))
  }
  return left
}
