// The agent's data folder: who it is (agent.id), the key of connection ids (fleet.key), and a lock so that two
// agents never write to one spool.

import { randomBytes, randomUUID } from 'node:crypto'
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { makeFolder, messageOf } from '../../common/mod.ts'
import { agentError } from '../errors.ts'

export interface DataFolder {
  readonly path: string
  /** UUID of this agent, kept for good. */
  readonly agentId: string
  /** 16 secret octets: connection ids are equal only under equal keys. */
  readonly fleetKey: Uint8Array
  release(): void
}

/** Makes what is missing; throws `data_not_writable` or `data_in_use`. */
export function openDataFolder(path: string): DataFolder {
  try {
    makeFolder(path)
    const lock = join(path, 'agent.lock')
    const holder = holderOf(lock)
    if (holder !== undefined) throw agentError('data_in_use', { details: { path, pid: holder } })
    writeWhole(lock, Buffer.from(identityOf(process.pid) ?? ''))
    const agentId = keep(join(path, 'agent.id'), isUuid, () => Buffer.from(`${randomUUID()}\n`))
    const fleetKey = keep(join(path, 'fleet.key'), isKey, () => randomBytes(16))
    return {
      path,
      agentId: agentId.toString().trim(),
      fleetKey,
      release: () => rmSync(lock, { force: true }),
    }
  } catch (cause) {
    if (cause instanceof Error && cause.name === 'AppError') throw cause
    const details = { path, why: messageOf(cause) }
    throw agentError('data_not_writable', { details, cause })
  }
}

/** The kernel's boot id. */
export function bootId(): string {
  return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
}

/** The process that holds the lock, if it is still the one that wrote it. */
function holderOf(lock: string): number | undefined {
  const text = read(lock)?.toString() ?? ''
  const pid = Number.parseInt(text, 10)
  if (Number.isNaN(pid) || pid === process.pid) return undefined
  return identityOf(pid) === text ? pid : undefined
}

/** Pid and start time: a pid alone comes again. */
function identityOf(pid: number): string | undefined {
  const stat = read(`/proc/${pid}/stat`)?.toString()
  if (stat === undefined) return undefined
  const afterName = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return `${pid} ${afterName[19]}`
}

function keep(path: string, isGood: (octets: Buffer) => boolean, make: () => Buffer): Buffer {
  const known = read(path)
  if (known && isGood(known)) return known
  const fresh = make()
  writeWhole(path, fresh)
  return fresh
}

function writeWhole(path: string, octets: Buffer): void {
  writeFileSync(`${path}.tmp`, octets, { mode: 0o600 })
  renameSync(`${path}.tmp`, path)
}

function read(path: string): Buffer | undefined {
  try {
    return readFileSync(path)
  } catch {
    return undefined
  }
}

const isKey = (octets: Buffer) => octets.length === 16
const isUuid = (octets: Buffer) =>
  /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\n?$/.test(String(octets))
