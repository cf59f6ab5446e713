// The few functions of libbpf.so.1 and libc in use, opened on first need: nothing here may cost or fail
// where only `doctor` runs.

import koffi, { type LibraryHandle } from 'koffi'
import { messageOf } from '../../common/mod.ts'
import { fail } from './errors.ts'

/** A C pointer as koffi 3 gives it; null and 0n are NULL. */
export type Pointer = bigint | null

type Call<R, A extends unknown[]> = (...args: A) => R

/** Map, position before, position after, keys, values, count, options. */
type BatchCall = Call<
  number,
  [number, Buffer | null, Buffer, Uint8Array, Uint8Array, Uint32Array, Pointer]
>

export interface Libbpf {
  readonly version: string
  readonly objectOpen: Call<Pointer, [Buffer, number, Pointer]>
  readonly objectLoad: Call<number, [Pointer]>
  readonly objectClose: Call<void, [Pointer]>
  readonly nextProgram: Call<Pointer, [Pointer, Pointer]>
  readonly programName: Call<string, [Pointer]>
  readonly programSection: Call<string, [Pointer]>
  readonly programFd: Call<number, [Pointer]>
  readonly setAutoload: Call<number, [Pointer, boolean]>
  readonly findMap: Call<Pointer, [Pointer, string]>
  readonly mapFd: Call<number, [Pointer]>
  readonly setMaxEntries: Call<number, [Pointer, number]>
  readonly initialValue: Call<Pointer, [Pointer, Buffer]>
  readonly lookup: Call<number, [number, Uint8Array, Uint8Array]>
  readonly update: Call<number, [number, Uint8Array, Uint8Array, number]>
  /** Map, keys, values, count, options. */
  readonly updateBatch: Call<number, [number, Uint8Array, Uint8Array, Uint32Array, Pointer]>
  readonly delete: Call<number, [number, Uint8Array]>
  readonly nextKey: Call<number, [number, Buffer | null, Buffer]>
  readonly lookupBatch: BatchCall
  readonly drainBatch: BatchCall
  readonly testRun: Call<number, [number, Uint32Array]>
  readonly possibleCpus: Call<number, []>
  readonly setPrint: Call<Pointer, [bigint]>
}

export interface Libc {
  readonly mmap: Call<Pointer, [Pointer, number, number, number, number, number]>
  readonly munmap: Call<number, [Pointer, number]>
  readonly madvise: Call<number, [Pointer, number, number]>
  readonly setns: Call<number, [number, number]>
  readonly close: Call<number, [number]>
  readonly unshare: Call<number, [number]>
  readonly socket: Call<number, [number, number, number]>
  /** Descriptor, level, option, value, octets. */
  readonly setsockopt: Call<number, [number, number, number, Uint8Array, number]>
  /** Descriptor, level, option, value, its octets as an int. */
  readonly getsockopt: Call<number, [number, number, number, Uint8Array, Uint8Array]>
  readonly bind: Call<number, [number, Uint8Array, number]>
  readonly send: Call<number, [number, Uint8Array, number, number]>
  readonly recv: Call<number, [number, Uint8Array, number, number]>
  /** Number, the command of bpf(2), attributes, octets. */
  readonly syscall: Call<number, [number, number, Buffer, number]>
  readonly clockGettime: Call<number, [number, Buffer]>
  readonly clockGetres: Call<number, [number, Buffer]>
  readonly threadSignalMask: Call<number, [number, Buffer, Buffer | null]>
  readonly vsnprintf: Call<number, [Buffer, number, string, Pointer]>
  readonly strerror: Call<string, [number]>
  /** glibc alone has it. */
  readonly mallocTrim: Call<number, [number]> | undefined
}

let bpf: Libbpf | undefined
let libc: Libc | undefined

/** libbpf.so.1, or the error `libbpf_missing`. */
export function openLibbpf(): Libbpf {
  bpf ??= bindLibbpf()
  return bpf
}

export function openLibc(): Libc {
  libc ??= bindLibc()
  return libc
}

/** Closes a descriptor that Node did not open; its own `closeSync` would warn of it in a worker. */
export function closeDescriptor(fd: number): void {
  openLibc().close(fd)
}

export function lastErrno(): number {
  return koffi.errno()
}

/** The text of the last failed C call. */
export function lastError(): string {
  return errorText(lastErrno())
}

/** The kernel's own number for "this kind has no such call": it should not leave the kernel, but it does. */
const notSupported = 524

/** The text of an errno, whatever its sign: libbpf returns -errno. */
export function errorText(number: number): string {
  if (Math.abs(number) === notSupported) return 'Operation not supported (ENOTSUPP)'
  return openLibc().strerror(Math.abs(number))
}

const batch =
  'int map, void *before, void *after, void *keys, void *values, void *count, const void *options'

function bindLibbpf(): Libbpf {
  const lib = loadLibbpf()
  const call = (definition: string) => lib.func(definition) as never
  return {
    version: (lib.func('const char *libbpf_version_string()') as () => string)(),
    objectOpen: call(
      'void *bpf_object__open_mem(const void *bytes, size_t size, const void *opts)',
    ),
    objectLoad: call('int bpf_object__load(void *object)'),
    objectClose: call('void bpf_object__close(void *object)'),
    nextProgram: call('void *bpf_object__next_program(void *object, void *previous)'),
    programName: call('const char *bpf_program__name(void *program)'),
    programSection: call('const char *bpf_program__section_name(void *program)'),
    programFd: call('int bpf_program__fd(void *program)'),
    setAutoload: call('int bpf_program__set_autoload(void *program, bool on)'),
    findMap: call('void *bpf_object__find_map_by_name(void *object, const char *name)'),
    mapFd: call('int bpf_map__fd(void *map)'),
    setMaxEntries: call('int bpf_map__set_max_entries(void *map, uint32_t count)'),
    initialValue: call('void *bpf_map__initial_value(void *map, void *size)'),
    lookup: call('int bpf_map_lookup_elem(int map, const void *key, void *value)'),
    update: call(
      'int bpf_map_update_elem(int map, const void *key, const void *value, uint64_t flags)',
    ),
    updateBatch: call(
      'int bpf_map_update_batch(int map, const void *keys, const void *values, void *count, const void *options)',
    ),
    delete: call('int bpf_map_delete_elem(int map, const void *key)'),
    nextKey: call('int bpf_map_get_next_key(int map, const void *key, void *next)'),
    lookupBatch: call(`int bpf_map_lookup_batch(${batch})`),
    drainBatch: call(`int bpf_map_lookup_and_delete_batch(${batch})`),
    testRun: call('int bpf_prog_test_run_opts(int program, void *options)'),
    possibleCpus: call('int libbpf_num_possible_cpus()'),
    setPrint: call('void *libbpf_set_print(void *print)'),
  }
}

function loadLibbpf(): LibraryHandle {
  if (process.platform !== 'linux')
    throw fail('not_linux', { details: { platform: process.platform } })
  try {
    return koffi.load('libbpf.so.1')
  } catch (error) {
    throw fail('libbpf_missing', { cause: error, details: { reason: messageOf(error) } })
  }
}

function bindLibc(): Libc {
  const lib = koffi.load(null)
  const call = (definition: string) => lib.func(definition) as never
  return {
    mmap: call('void *mmap(void *at, size_t size, int prot, int flags, int fd, int64_t offset)'),
    munmap: call('int munmap(void *at, size_t size)'),
    madvise: call('int madvise(void *at, size_t size, int advice)'),
    setns: call('int setns(int fd, int type)'),
    close: call('int close(int fd)'),
    unshare: call('int unshare(int flags)'),
    socket: call('int socket(int domain, int type, int protocol)'),
    setsockopt: call(
      'int setsockopt(int fd, int level, int option, const void *value, uint32_t size)',
    ),
    getsockopt: call('int getsockopt(int fd, int level, int option, void *value, void *size)'),
    bind: call('int bind(int fd, const void *address, uint32_t size)'),
    send: call('long send(int fd, const void *bytes, size_t size, int flags)'),
    recv: call('long recv(int fd, void *bytes, size_t size, int flags)'),
    syscall: call('long syscall(long number, long command, void *attributes, unsigned long size)'),
    threadSignalMask: call('int pthread_sigmask(int how, const void *set, void *old)'),
    clockGettime: call('int clock_gettime(int clock, void *time)'),
    clockGetres: call('int clock_getres(int clock, void *time)'),
    vsnprintf: call('int vsnprintf(void *to, size_t size, const char *format, void *arguments)'),
    strerror: call('const char *strerror(int number)'),
    mallocTrim: optional(() => call('int malloc_trim(size_t keep)')),
  }
}

function optional<T>(bind: () => T): T | undefined {
  try {
    return bind()
  } catch {
    return undefined
  }
}
