// Iterators (iter/…, Linux 5.8): a program that runs once for each object of the kernel when somebody reads. The
// link belongs to its descriptor; nothing runs until it is read. Takes CAP_BPF and CAP_PERFMON.

import { readSync } from 'node:fs'
import { type Attribute, bpfCall, callRefused, memory } from '../bpf-call.ts'
import { closeDescriptor, errorText } from '../library.ts'
import { loadableNames } from '../map-iterators.ts'
import { attachRefused, available, type Hook, missingFeature, refusedFeature } from './hook.ts'
import { createLink, type Link, linkType, openLink } from './link.ts'
import { attachedBy } from './tracing.ts'

export interface IteratorPlace {
  /** What is walked, as in the program's section: `task_file`, `tcp`, `bpf_map_elem`. */
  readonly target: string
  /** The map whose elements are walked, for `bpf_map_elem` and `bpf_sk_storage_map`. */
  readonly mapFd?: number
  /** The only thread that is walked, for `task` (6.1 and later): its id in this process' PID namespace. */
  readonly tid?: number
}

export interface Iterator extends Link {
  /**
   * One whole pass into `buffer`, from octet `offset` on (0 if not said); it grows as needed. Returns where the pass
   * ends in it. Sockets are those of the thread's network namespace. Throws `kernel_call`.
   */
  read(buffer: GrowingBuffer, offset?: number): number
}

/** A buffer that a dump reuses; `bytes` is replaced when it grows. */
export interface GrowingBuffer {
  bytes: Buffer
}

/** enum bpf_attach_type. */
const traceIterator = 28
const needed = ['CAP_BPF', 'CAP_PERFMON'] as const

export const iterator: Hook<IteratorPlace, Iterator> = {
  name: 'iter',
  feature: ({ target }) => {
    const name = `bpf_iter__${target}`
    if (!loadableNames([name]).has(name)) {
      const needs = 'a kernel that has this iterator and loads it'
      return missingFeature(
        `walking ${target}`,
        needs,
        'what is there before the start is not seen',
      )
    }
    return refusedFeature(`an iterator over ${target}`, needed) ?? available
  },
  attached: ({ target }) => attachedBy(linkType.iterator, target),
  attach: (program, { target, mapFd, tid }) => {
    const only = mapFd ?? tid
    const about: readonly Attribute[] = only === undefined ? [] : linkInfo(only)
    const fd = createLink([program.fd, 0, traceIterator, 0, ...about])
    if (fd < 0) throw attachRefused(`${program.name} to iterator ${target}`, -fd, needed)
    const link = openLink(fd)
    const read: Iterator['read'] = (buffer, offset = 0) =>
      readOnce(link.descriptor(), buffer, offset)
    return { ...link, read }
  },
}

/** union bpf_iter_link_info: its first member alone, a map's descriptor or a thread's id. */
function linkInfo(only: number): readonly Attribute[] {
  const info = memory(4)
  info.writeUInt32LE(only)
  return [info, info.length]
}

const bufferGrowthMin = 65536

function readOnce(link: number, buffer: GrowingBuffer, offset: number): number {
  const fd = bpfCall('iteratorCreate', [link])
  if (fd < 0) throw callRefused('creating an iterator', errorText(fd))
  let length = offset
  try {
    for (;;) {
      if (buffer.bytes.length - length < bufferGrowthMin) buffer.bytes = grown(buffer.bytes)
      const got = readAgain(fd, buffer.bytes, length)
      if (got === 0) return length
      length += got
    }
  } finally {
    closeDescriptor(fd)
  }
}

/** An iterator that met a great many objects in vain gives the CPU back with EAGAIN: go on. */
function readAgain(fd: number, bytes: Buffer, offset: number): number {
  for (;;) {
    try {
      return readSync(fd, bytes, offset, bytes.length - offset, null)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error
    }
  }
}

function grown(bytes: Buffer): Buffer {
  const larger = Buffer.allocUnsafeSlow(Math.max(bufferGrowthMin * 2, bytes.length * 2))
  bytes.copy(larger)
  return larger
}
