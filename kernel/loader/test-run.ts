// Runs a loaded program on a frame of ours (BPF_PROG_TEST_RUN), without its hook and without a packet on any wire.
//
// What the kernel does with the frame (net/bpf/test_run.c): an Ethernet header is always there. A tc program
// and an XDP program see it; a socket filter sees what follows, and the header comes back as zeroes. A frame may be as long as a
// page has room for (3,712 octets on 6.18, x86-64); one that says IPv4 is there refused below 34 octets.

import { constants } from 'node:os'
import koffi from 'koffi'
import { memory, objectInfo } from './bpf-call.ts'
import { ENOTSUPP, fail } from './errors.ts'
import { closeDescriptor, errorText, type Libbpf } from './library.ts'
import { loadNothing } from './trial-program.ts'

/** Octets that are set aside once; 0 where a program takes or gives none. */
export interface TestRunRoom {
  readonly inputBytesMax: number
  /** With 0 the frame is not copied back. */
  readonly outputBytesMax: number
  /** The program's context: `struct __sk_buff` or `struct xdp_md` as in linux/bpf.h, as far as it may be set. */
  readonly contextBytes: number
  /** The context as the program left it: none if not said, else all of the kernel's structure (`contextBytesMax`). */
  readonly contextOutputBytes?: number
}

/** Enough for `contextOutputBytes`: kernels have 184 to 192 octets of `__sk_buff`. */
export const contextBytesMax = 192

/** Where members of `struct __sk_buff` lie that may be set before a run, in octets; all are u32. */
export const skbContextByte = {
  mark: 8,
  priority: 32,
  ifindex: 40,
  wireLength: 160,
  gsoSegments: 164,
} as const

/**
 * The same of `struct xdp_md`. `metadataBytes`: so many octets at the begin of the input are metadata, a multiple of
 * 4. The interface is one of the thread's network namespace that has received by XDP. The rest must be zero.
 */
export const xdpContextByte = { metadataBytes: 0, ingressIfindex: 12, receiveQueue: 16 } as const

/** The same object each time: read it before the next run. */
export interface TestRunResult {
  /** What the program returned, as u32: -1 is 4294967295. */
  returnValue: number
  /** Of one run, averaged over the repetitions. */
  durationNs: number
  /** How much of `output` this run has written. */
  outputBytes: number
}

/** A program with room for its input and output; nothing is allocated by a run. */
export interface TestRun {
  /** Written by the caller before a run; zeroes at first. */
  readonly context: Uint8Array
  /** Written by a run; the frame as the program left it. */
  readonly output: Uint8Array
  /** Written by a run; the context as the program left it. */
  readonly contextOutput: Uint8Array
  /**
   * Runs the program `repeat` times (1 if not said; it sees its own changes) on a copy of `input`. What it does to
   * maps is real. Throws `test_run_input`, `test_run_output` (the program has run), `unsupported_feature` for
   * programs that only run at their hook, `kernel_call`. A signal ends repetitions early with `kernel_call`, nobody
   * knows after how many: what counts must run once at a time, which is never interrupted.
   */
  run(input: Uint8Array, repeat?: number): TestRunResult
}

/** struct bpf_test_run_opts of libbpf (bpf/bpf.h), in u32 words; an address takes two. */
const word = {
  size: 0,
  dataIn: 2,
  dataOut: 4,
  dataInBytes: 6,
  dataOutBytes: 7,
  contextIn: 8,
  contextOut: 10,
  contextInBytes: 12,
  contextOutBytes: 13,
  returnValue: 14,
  repeat: 15,
  durationNs: 16,
} as const
const optionsBytes = 80

/** `fd` is asked before each run, so that it can refuse when the object is closed. */
export function openTestRun(
  bpf: Libbpf,
  fd: () => number,
  program: string,
  room: TestRunRoom,
): TestRun {
  // Memory of an ArrayBuffer does not move, that of a small typed array may.
  const options = new Uint32Array(new ArrayBuffer(optionsBytes))
  const given = new Uint8Array(new ArrayBuffer(room.inputBytesMax))
  const context = new Uint8Array(new ArrayBuffer(room.contextBytes))
  const output = new Uint8Array(new ArrayBuffer(room.outputBytesMax))
  const contextOutput = new Uint8Array(new ArrayBuffer(room.contextOutputBytes ?? 0))
  const result: TestRunResult = { returnValue: 0, durationNs: 0, outputBytes: 0 }
  const xdpContext = context.length > 0 && isXdp(fd()) ? new DataView(context.buffer) : undefined
  if (xdpContext !== undefined) assertXdpContext(bpf, program)
  options[word.size] = optionsBytes
  // Where no length is given the kernel copies as much as it likes: no address then.
  pointTo(options, word.dataIn, given)
  pointTo(options, word.dataOut, output)
  pointTo(options, word.contextIn, context)
  options[word.contextInBytes] = context.length
  pointTo(options, word.contextOut, contextOutput)

  function run(input: Uint8Array, repeat = 1): TestRunResult {
    if (input.length > given.length) throw tooLong(program, input.length, given.length)
    given.set(input)
    options[word.dataInBytes] = input.length
    options[word.dataOutBytes] = output.length
    options[word.contextOutBytes] = contextOutput.length
    options[word.repeat] = repeat
    xdpContext?.setUint32(xdpDataEnd, input.length, true)
    const code = bpf.testRun(fd(), options)
    const octets = options[word.dataOutBytes] ?? 0
    if (code < 0)
      throw refused(program, -code, { given: input.length, octets, room: output.length })
    result.returnValue = options[word.returnValue] ?? 0
    result.durationNs = options[word.durationNs] ?? 0
    result.outputBytes = output.length > 0 ? octets : 0
    return result
  }

  return { context, output, contextOutput, run }
}

function pointTo(options: Uint32Array, at: number, bytes: Uint8Array): void {
  if (bytes.length === 0) return
  new BigUint64Array(options.buffer, at * 4, 1)[0] = koffi.address(bytes)
}

/** Set by each run: the kernel takes no other value than the input's length. */
const xdpDataEnd = 4
/** BPF_PROG_TYPE_XDP, the first word of struct bpf_prog_info. */
const typeXdp = 6

function isXdp(fd: number): boolean {
  const info = memory(256)
  return objectInfo(fd, info) === 0 && info.readUInt32LE(0) === typeXdp
}

let takesXdpContext: boolean | undefined

/** Tried out once: before Linux 5.15 every context of an XDP program is refused, like a wrong one. */
function assertXdpContext(bpf: Libbpf, program: string): void {
  takesXdpContext ??= tryXdpContext(bpf)
  if (takesXdpContext) return
  const needs = 'Linux 5.15 or later'
  const details = { what: `a context for ${program}`, needs, instead: 'run it without' }
  throw fail('unsupported_feature', { details })
}

function tryXdpContext(bpf: Libbpf): boolean {
  const frame = memory(64)
  const context = memory(8)
  context.writeUInt32LE(frame.length, xdpDataEnd)
  const options = new Uint32Array(new ArrayBuffer(optionsBytes))
  options[word.size] = optionsBytes
  pointTo(options, word.dataIn, frame)
  options[word.dataInBytes] = frame.length
  pointTo(options, word.contextIn, context)
  options[word.contextInBytes] = context.length
  const program = loadNothing('xdp')
  try {
    return bpf.testRun(program, options) === 0
  } finally {
    closeDescriptor(program)
  }
}

function tooLong(program: string, octets: number, room: number): Error {
  const reason = `there is room for ${room}`
  return fail('test_run_input', { details: { program, octets, reason } })
}

const { E2BIG, EFAULT, EINVAL, ENODEV, ENOSPC, EOPNOTSUPP } = constants.errno

interface Sizes {
  readonly given: number
  readonly octets: number
  readonly room: number
}

function refused(program: string, errno: number, { given, octets, room }: Sizes): Error {
  const reason = errorText(errno)
  if (errno === ENOSPC) return fail('test_run_output', { details: { program, octets, room } })
  // ENODEV is about the interface that a context names.
  if (errno === EINVAL || errno === E2BIG || errno === ENODEV) {
    return fail('test_run_input', { details: { program, octets: given, reason } })
  }
  // Our addresses are good: EFAULT is what the kernel says of tracing programs that are not on a function.
  if (errno === ENOTSUPP || errno === EOPNOTSUPP || errno === EFAULT) {
    const needs = 'a kind that runs without its hook (socket filter, tc, xdp)'
    const details = { what: `running ${program}`, needs, instead: 'attach it' }
    return fail('unsupported_feature', { details })
  }
  return fail('kernel_call', { details: { what: `running ${program}`, reason } })
}
