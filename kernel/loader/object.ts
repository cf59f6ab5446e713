// Loads one BPF object through libbpf: settings, which programs, how large the maps, then attach. What a
// loaded object holds in the kernel belongs to its descriptors: `close`, or the end of the process, frees all.

import { closeSync, readSync } from 'node:fs'
import { constants, release } from 'node:os'
import koffi from 'koffi'
import { fail } from './errors.ts'
import { missingCapabilities } from './host.ts'
import { errorText, type Libbpf, lastError, openLibbpf, type Pointer } from './library.ts'
import { type LoadedMap, openMap, readPerCpu } from './maps.ts'
import { collectMessages, decisiveLine } from './messages.ts'
import { openTestRun, type TestRun, type TestRunRoom } from './test-run.ts'
import { openSection, openVariables } from './variables.ts'

export interface ObjectOptions {
  /** For messages: `the socket probe`. */
  readonly what: string
  readonly bytes: Buffer
  /** Values of `const volatile` variables by name. */
  readonly settings: Readonly<Record<string, bigint>>
  readonly maxEntries: Readonly<Record<string, number>>
  /** Names of programs that are not loaded. */
  readonly without: ReadonlySet<string>
}

export interface LoadedProgram {
  readonly name: string
  /** libbpf's section name: `tp_btf/inet_sock_set_state`. */
  readonly hook: string
  readonly loaded: boolean
  /** Program id; 0 if not loaded. */
  readonly id: number
}

export interface Iterator {
  /** One whole pass, appended to `buffer` from its start; grows as needed. Returns octets written. */
  read(buffer: GrowingBuffer): number
}

/** A buffer that a dump reuses; `bytes` is replaced when it grows. */
export interface GrowingBuffer {
  bytes: Buffer
}

export interface LoadedObject {
  readonly programs: readonly LoadedProgram[]
  /** Attaches a tracepoint program by name. It stays until `close`, or until what is returned is called, once. */
  attach(program: string): () => void
  /** Attaches an iterator program; nothing runs until it is read. */
  iterator(program: string): Iterator
  mapFd(map: string): number
  /** What sets variables that are no settings, by name; the programs see it at once. Valid until `close`. */
  variables(): (name: string, value: bigint) => void
  /** A map to be read whole, again and again. */
  map(name: string): LoadedMap
  /** One element of a per-CPU map: its values of all possible CPUs, `round_up(size, 8)` apart. */
  readPerCpu(map: string, key: number, valueBytes: number): BigUint64Array
  /** A program to be run without its hook, again and again; it need not be attached. */
  testRun(program: string, room: TestRunRoom): TestRun
  close(): void
}

export function openObject(options: ObjectOptions): LoadedObject {
  const bpf = openLibbpf()
  const object = load(bpf, options)
  const links: Pointer[] = []
  const programs = new Map<string, Pointer>()
  for (const program of programsOf(bpf, object)) programs.set(bpf.programName(program), program)

  /** What was freed is not asked, and a descriptor's number may be another's by then. */
  function assertOpen(): void {
    if (programs.size === 0) throw new Error(`${options.what} is closed`)
  }

  function whileOpen(fd: number): () => number {
    return () => {
      assertOpen()
      return fd
    }
  }

  function fdOfMap(name: string): number {
    assertOpen()
    return mapFd(bpf, object, name)
  }

  function attach(program: string): Pointer {
    const link = attachProgram(bpf, programs.get(program) ?? null, program)
    links.push(link)
    return link
  }

  return {
    programs: [...programs.values()].map((program) => describe(bpf, program)),
    attach: (program) => {
      const link = attach(program)
      return () => {
        bpf.linkDestroy(link)
        links.splice(links.indexOf(link), 1)
      }
    },
    iterator: (program) => {
      const link = bpf.linkFd(attach(program))
      return { read: (buffer) => readIterator(bpf, link, buffer) }
    },
    variables: () => {
      const section = { ...options, name: '.bss', map: findMap(bpf, object, '.bss') }
      return openVariables(bpf, section, whileOpen(fdOfMap('.bss')))
    },
    mapFd: fdOfMap,
    readPerCpu: (map, key, valueBytes) => readPerCpu(bpf, fdOfMap(map), key, valueBytes),
    map: (name) => openMap(bpf, whileOpen(fdOfMap(name)), name),
    testRun: (program, room) => {
      const fd = bpf.programFd(programs.get(program) ?? null)
      if (fd < 0) throw new Error(`program ${program} is not loaded`)
      return openTestRun(bpf, whileOpen(fd), program, room)
    },
    close: () => {
      for (const link of links.splice(0)) bpf.linkDestroy(link)
      if (programs.size > 0) bpf.objectClose(object)
      programs.clear()
    },
  }
}

/** The kernel gives up checking a program when a signal comes (a profiler's, say): then once more. */
const attemptsMax = 5

function load(bpf: Libbpf, options: ObjectOptions, attempt = 1): Pointer {
  const { object, result } = loadOnce(bpf, options, attempt === attemptsMax)
  if (result === 0) return object
  bpf.objectClose(object)
  return load(bpf, options, attempt + 1)
}

/** Throws what cannot be mended; an interruption is `result` unless it is the last attempt. */
function loadOnce(
  bpf: Libbpf,
  options: ObjectOptions,
  last: boolean,
): { readonly object: Pointer; readonly result: number } {
  return collectMessages(bpf, (said) => {
    const object = bpf.objectOpen(options.bytes, options.bytes.length, null)
    if (object === null) throw refusal(options, koffi.errno(), said())
    try {
      for (const program of programsOf(bpf, object)) {
        if (options.without.has(bpf.programName(program))) bpf.setAutoload(program, false)
      }
      for (const [map, count] of Object.entries(options.maxEntries)) {
        bpf.setMaxEntries(findMap(bpf, object, map), count)
      }
      const map = findMap(bpf, object, '.rodata')
      const settings = openSection(bpf, { ...options, name: '.rodata', map })
      for (const [name, value] of Object.entries(options.settings)) settings.set(name, value)
      const result = bpf.objectLoad(object)
      if (result === -EAGAIN && !last) return { object, result }
      if (result < 0) throw refusal(options, -result, said())
    } catch (error) {
      bpf.objectClose(object)
      throw error
    }
    return { object, result: 0 }
  })
}

const { EACCES, EAGAIN, ENOSYS, EPERM } = constants.errno

function refusal(options: ObjectOptions, errno: number, said: string): Error {
  const missing = missingCapabilities()
  const { what } = options
  if (errno === ENOSYS) {
    return fail('bpf_missing', { details: { reason: errorText(errno) } })
  }
  if ((errno === EPERM || errno === EACCES) && missing.length > 0) {
    return fail('not_permitted', { details: { what, missing: missing.join(', ') } })
  }
  if (errno === EPERM) return fail('bpf_missing', { details: { reason: errorText(errno) } })
  const line = decisiveLine(said)
  const reason = line === '' ? errorText(errno) : `${line} (${errorText(errno)})`
  return fail('object_refused', {
    details: { what, reason, release: release() },
    cause: new Error(said.slice(-8192)),
  })
}

function* programsOf(bpf: Libbpf, object: Pointer): Generator<Pointer> {
  let program = bpf.nextProgram(object, null)
  while (program !== null) {
    yield program
    program = bpf.nextProgram(object, program)
  }
}

function findMap(bpf: Libbpf, object: Pointer, name: string): Pointer {
  const map = bpf.findMap(object, name)
  if (map === null) throw new Error(`no map ${name}`)
  return map
}

function mapFd(bpf: Libbpf, object: Pointer, name: string): number {
  return bpf.mapFd(findMap(bpf, object, name))
}

function attachProgram(bpf: Libbpf, program: Pointer, name: string): Pointer {
  return collectMessages(bpf, (said) => {
    const link = bpf.attach(program)
    if (link !== null) return link
    const reason = `${decisiveLine(said())} (${lastError()})`
    throw fail('attach_refused', { details: { what: name, reason } })
  })
}

function describe(bpf: Libbpf, program: Pointer): LoadedProgram {
  const fd = bpf.programFd(program)
  return {
    name: bpf.programName(program),
    hook: bpf.programSection(program),
    loaded: fd >= 0,
    id: fd >= 0 ? programId(bpf, fd) : 0,
  }
}

/** struct bpf_prog_info begins with u32 type, u32 id. */
function programId(bpf: Libbpf, fd: number): number {
  const info = Buffer.alloc(256)
  const size = Buffer.alloc(4)
  size.writeUInt32LE(info.length)
  const result = bpf.objectInfo(fd, info, size)
  return result < 0 ? 0 : info.readUInt32LE(4)
}

const bufferGrowthMin = 65536

function readIterator(bpf: Libbpf, link: number, buffer: GrowingBuffer): number {
  const fd = bpf.iterCreate(link)
  if (fd < 0) {
    throw fail('kernel_call', { details: { what: 'creating an iterator', reason: errorText(fd) } })
  }
  let length = 0
  try {
    for (;;) {
      if (buffer.bytes.length - length < bufferGrowthMin) buffer.bytes = grown(buffer.bytes)
      const got = readAgain(fd, buffer.bytes, length)
      if (got === 0) return length
      length += got
    }
  } finally {
    closeSync(fd)
  }
}

/** An iterator that met a great many objects in vain gives the CPU back with EAGAIN: go on. */
function readAgain(fd: number, bytes: Buffer, at: number): number {
  for (;;) {
    try {
      return readSync(fd, bytes, at, bytes.length - at, null)
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
