// What commands ask of the thread that attaches. It ends with the last question, and a watched program with it.

import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { AppError } from '../../../common/mod.ts'
import type { XdpPlace } from '../../loader/attach/xdp.ts'
import {
  type BoundSocket,
  openPacketSocket,
  type PacketSocket,
} from '../../loader/packet-socket.ts'
import type { AttachedXdp, XdpStatus, XdpTarget } from './attach.ts'
import { mapsOf, type XdpMapName, type XdpMaps } from './pinned.ts'

type Mode = XdpPlace['mode']

/** One question to the worker. */
export type Question =
  | { readonly op: 'attach'; readonly target: XdpTarget; readonly mode: Mode }
  | { readonly op: 'detach'; readonly target: XdpTarget }
  | { readonly op: 'status'; readonly root: string }
  | { readonly op: 'watch'; readonly target: XdpTarget; readonly mode: Mode }
  | { readonly op: 'watching' }
  | { readonly op: 'capture'; readonly target: XdpTarget; readonly snap: number }
  | { readonly op: 'unwatch' }

/** Its answer. */
export interface Answer {
  readonly value?: unknown
  readonly refused?: {
    readonly code: string
    readonly message: string
    readonly status: number
    readonly exitCode: number
    readonly remedy: string
  }
}

interface WatchedProgram {
  readonly mode: 'native' | 'generic'
  readonly programId: number
  /** False: another process of Weir has attached it, and it goes with that one. */
  readonly isOwn: boolean
}

/** A program that is read until `stop`; one's own is attached until then, or as long as this process lives. */
export interface WatchedXdp extends WatchedProgram {
  readonly maps: XdpMaps
  /** Whether it is attached still. */
  isThere(): Promise<boolean>
  stop(): Promise<void>
}

/** Attaches and pins, in whichever network namespace. Throws what `attachXdp` does. */
export function attachPinnedXdp(target: XdpTarget, mode: Mode): Promise<AttachedXdp> {
  return ask<AttachedXdp>({ op: 'attach', target, mode })
}

/** Ends what is pinned. Throws `xdp_not_attached`. */
export function detachPinnedXdp(target: XdpTarget): Promise<void> {
  return ask({ op: 'detach', target })
}

/** Everything pinned below a root. */
export function pinnedXdpStatus(root: string): Promise<readonly XdpStatus[]> {
  return ask({ op: 'status', root })
}

/**
 * Attaches without a pin: the end of the process, however it comes, detaches. A program that another process of Weir has
 * attached is read instead.
 */
export async function watchXdp(target: XdpTarget, mode: Mode): Promise<WatchedXdp> {
  const worker = startWorker()
  try {
    const { descriptors, ...attached } = await askOf<
      WatchedProgram & { readonly descriptors: Readonly<Record<XdpMapName, number>> }
    >(worker, { op: 'watch', target, mode })
    return {
      ...attached,
      maps: mapsOf(descriptors),
      isThere: () => askOf<boolean>(worker, { op: 'watching' }),
      stop: async () => {
        await askOf(worker, { op: 'unwatch' })
        await worker.terminate()
      },
    }
  } catch (error) {
    await worker.terminate()
    throw error
  }
}

/** A packet socket on an interface, in whichever network namespace. Throws what `bindPacketSocket` does. */
export async function openCapture(target: XdpTarget, snap: number): Promise<PacketSocket> {
  return openPacketSocket(await ask<BoundSocket>({ op: 'capture', target, snap }))
}

async function ask<T>(question: Question): Promise<T> {
  const worker = startWorker()
  try {
    return await askOf<T>(worker, question)
  } finally {
    await worker.terminate()
  }
}

/** Descriptors come from libbpf: Node must not count them as its own. */
function startWorker(): Worker {
  return new Worker(new URL('./worker.ts', import.meta.url), { trackUnmanagedFds: false })
}

async function askOf<T>(worker: Worker, question: Question): Promise<T> {
  worker.postMessage(question)
  const [{ value, refused }] = (await once(worker, 'message')) as [Answer]
  if (refused !== undefined) throw new AppError(refused.code, refused)
  return value as T
}
