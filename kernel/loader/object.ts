// Loads one BPF object through libbpf: settings, which programs, how large the maps, then attach. What a
// loaded object holds in the kernel belongs to its descriptors: `close`, or the end of the process, frees all.

import { constants, release } from 'node:os'
import koffi from 'koffi'
import type { Attachment, Hook, Program } from './attach/hook.ts'
import { memory, objectInfo } from './bpf-call.ts'
import { fail } from './errors.ts'
import { type Capability, missingCapabilities } from './host.ts'
import { errorText, type Libbpf, openLibbpf, type Pointer } from './library.ts'
import { type LoadedMap, mapInfo, openMap, readPerCpu } from './maps.ts'
import { collectMessages, decisiveLine } from './messages.ts'
import { mapMemoryHere, type ProgramUse, programUse } from './program-use.ts'
import { withoutSignals } from './signals.ts'
import { openTestRun, type TestRun, type TestRunRoom } from './test-run.ts'
import { type MappedVariables, mapVariables, openConstants, type Variables } from './variables.ts'

export interface ObjectOptions {
  /** For messages: `the socket probe`. */
  readonly what: string
  readonly bytes: Buffer
  /** Values of `const volatile` variables by name. */
  readonly settings: Readonly<Record<string, bigint>>
  readonly maxEntries: Readonly<Record<string, number>>
  /** Names of programs that are not loaded. */
  readonly without: ReadonlySet<string>
  /** What loading takes, for the message if it is refused; CAP_BPF and CAP_PERFMON if not said. */
  readonly capabilities?: readonly Capability[]
}

export interface LoadedProgram {
  readonly name: string
  /** libbpf's section name: `tp_btf/inet_sock_set_state`. */
  readonly hook: string
  readonly loaded: boolean
  /** Program id; 0 if not loaded. */
  readonly id: number
}

export interface LoadedObject {
  readonly programs: readonly LoadedProgram[]
  /**
   * Attaches a program by its name to a hook of `attach/`. It stays until it is detached or until `close`, if it
   * is not pinned. Throws what the hook says.
   */
  attach<Place, A extends Attachment>(program: string, hook: Hook<Place, A>, place: Place): A
  mapFd(map: string): number
  /** What the loaded programs have cost until now, by name. */
  use(): ReadonlyMap<string, ProgramUse>
  /** Runs that the kernel left out because a program would have interrupted itself, all programs together. */
  missed(): number
  /** The programs' variables that are no settings, by name. Valid until `close`. */
  variables(): Variables
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
  const attachments = new Set<Attachment>()
  let variables: MappedVariables | undefined
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

  function fdOfProgram(name: string): number {
    assertOpen()
    const fd = bpf.programFd(programs.get(name) ?? null)
    if (fd < 0) throw new Error(`program ${name} is not loaded`)
    return fd
  }

  function openVariables(): MappedVariables {
    const fd = fdOfMap('.bss')
    const { valueBytes } = mapInfo(fd, '.bss')
    return mapVariables({ ...options, name: '.bss' }, fd, valueBytes)
  }

  function program(name: string): Program {
    const fd = fdOfProgram(name)
    return { name, fd, id: programId(fd) }
  }

  return {
    programs: [...programs.values()].map((program) => describe(bpf, program)),
    attach: (name, hook, place) => {
      const attachment = hook.attach(program(name), place)
      attachments.add(attachment)
      const detach = () => {
        attachment.detach()
        attachments.delete(attachment)
      }
      return { ...attachment, detach }
    },
    variables: () => {
      variables ??= openVariables()
      return variables
    },
    mapFd: fdOfMap,
    use: () => {
      assertOpen()
      const memoryOfMaps = mapMemoryHere()
      const fds = [...programs].map(([name, pointer]) => [name, bpf.programFd(pointer)] as const)
      const loaded = fds.filter(([, fd]) => fd >= 0)
      return new Map(loaded.map(([name, fd]) => [name, programUse(fd, memoryOfMaps)]))
    },
    missed: () => {
      assertOpen()
      const fds = [...programs.values()].map((pointer) => bpf.programFd(pointer))
      const uses = fds.filter((fd) => fd >= 0).map((fd) => programUse(fd, new Map()))
      return uses.reduce((sum, { missed }) => sum + missed, 0)
    },
    readPerCpu: (map, key, valueBytes) => readPerCpu(bpf, fdOfMap(map), key, valueBytes),
    map: (name) => openMap(bpf, whileOpen(fdOfMap(name)), name),
    testRun: (name, room) => openTestRun(bpf, whileOpen(fdOfProgram(name)), name, room),
    close: () => {
      try {
        for (const attachment of attachments) attachment.release()
      } finally {
        attachments.clear()
        variables?.close()
        if (programs.size > 0) bpf.objectClose(object)
        programs.clear()
      }
    },
  }
}

/** A signal that cannot wait makes the kernel give up verifying (EAGAIN): then once more. */
const attemptsMax = 5

function load(bpf: Libbpf, options: ObjectOptions, attempt = 1): Pointer {
  const { object, result } = loadOnce(bpf, options, attempt === attemptsMax)
  if (result === 0) return object
  bpf.objectClose(object)
  return load(bpf, options, attempt + 1)
}

/** Throws what cannot be repaired; an interruption is `result` unless it is the last attempt. */
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
      setConstants(bpf, object, options)
      const result = withoutSignals(() => bpf.objectLoad(object))
      if (result === -EAGAIN && !last) return { object, result }
      if (result < 0) throw refusal(options, -result, said())
    } catch (error) {
      bpf.objectClose(object)
      throw error
    }
    return { object, result: 0 }
  })
}

/** An object without settings need not have the section. */
function setConstants(bpf: Libbpf, object: Pointer, options: ObjectOptions): void {
  const settings = Object.entries(options.settings)
  if (settings.length === 0) return
  const map = findMap(bpf, object, '.rodata')
  const constants = openConstants(bpf, { ...options, name: '.rodata' }, map)
  for (const [name, value] of settings) constants.set(name, value)
}

const { EACCES, EAGAIN, ENOSYS, EPERM } = constants.errno

function refusal(options: ObjectOptions, errno: number, said: string): Error {
  const missing = missingCapabilities(options.capabilities)
  const { what } = options
  if (errno === ENOSYS) {
    return fail('bpf_missing', { details: { reason: errorText(errno) } })
  }
  if ((errno === EPERM || errno === EACCES) && missing.length > 0) {
    return fail('not_permitted', {
      details: { what: `loading ${what}`, missing: missing.join(', ') },
    })
  }
  // libbpf tries the least program of all first. A kernel may refuse one kind and take the others.
  if (errno === EPERM && /trivial BPF program/.test(said)) {
    return fail('bpf_missing', { details: { reason: errorText(errno) } })
  }
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

function describe(bpf: Libbpf, program: Pointer): LoadedProgram {
  const fd = bpf.programFd(program)
  return {
    name: bpf.programName(program),
    hook: bpf.programSection(program),
    loaded: fd >= 0,
    id: fd >= 0 ? programId(fd) : 0,
  }
}

/** struct bpf_prog_info begins with u32 type, u32 id. */
function programId(fd: number): number {
  const info = memory(256)
  return objectInfo(fd, info) < 0 ? 0 : info.readUInt32LE(4)
}
