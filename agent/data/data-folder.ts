// The agent's data folder: who it is (agent.id), the key of connection ids (fleet.key), and a lock so that two
// agents never write to one spool.

import { randomUUID } from 'node:crypto'
import { readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { keepFile, makeFolder, messageOf, readIfThere, writeWhole } from '../../common/mod.ts'
import { agentError } from '../errors.ts'

export interface DataFolder {
  readonly path: string
  /** UUID of this agent, kept for good. */
  readonly agentId: string
  /**
   * 16 secret octets, handed out by central: connection ids are equal only under equal keys. Undefined until the
   * first answer of a central.
   */
  fleetKey(): Uint8Array | undefined
  /** Keeps the key that central has handed out. */
  keepFleetKey(key: Uint8Array): void
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
    const makeId = () => Buffer.from(`${randomUUID()}\n`)
    const agentId = keepFile(join(path, 'agent.id'), isUuid, makeId)
    const keyFile = join(path, 'fleet.key')
    const known = readIfThere(keyFile)
    let key = known && isKey(known) ? known : undefined
    return {
      path,
      agentId: agentId.toString().trim(),
      fleetKey: () => key,
      keepFleetKey: (given) => {
        if (key?.equals(given)) return
        key = Buffer.from(given)
        writeWhole(keyFile, key)
      },
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
  const text = readIfThere(lock)?.toString() ?? ''
  const pid = Number.parseInt(text, 10)
  if (Number.isNaN(pid) || pid === process.pid) return undefined
  return identityOf(pid) === text ? pid : undefined
}

/** Pid and start time: a pid alone comes again. */
function identityOf(pid: number): string | undefined {
  const stat = readIfThere(`/proc/${pid}/stat`)?.toString()
  if (stat === undefined) return undefined
  const afterName = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return `${pid} ${afterName[19]}`
}

const isKey = (octets: Buffer) => octets.length === 16
const isUuid = (octets: Buffer) =>
  /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\n?$/.test(String(octets))
