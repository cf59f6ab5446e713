// Programs that do nothing, for finding out what the kernel takes.

import { type Attribute, bpfCall, callRefused, cText, memory } from './bpf-call.ts'
import { errorText } from './library.ts'

/** BPF_PROG_TYPE_*. */
const types = { socket: 1, tc: 3, xdp: 6, tracing: 26 } as const
/** enum bpf_attach_type. */
const traceIterator = 28

/** The descriptor; it is the caller's to close. Throws `kernel_call`. */
export function loadNothing(type: 'socket' | 'tc' | 'xdp'): number {
  const pass = 2 // XDP_PASS; nothing sees the other kinds' verdicts
  const fd = load(type, pass)
  if (fd < 0) throw callRefused(`loading a ${type} program`, errorText(fd))
  return fd
}

/**
 * Loads an iterator that does nothing; `id` is the number of its function in the kernel's type information. Returns the
 * descriptor, which is the caller's to close, or the negative errno.
 */
export function loadIterator(id: number): number {
  const fromLogToName = new Array<number>(10).fill(0)
  const fromInterface = [0, traceIterator]
  const fromTypesToLines = new Array<number>(9).fill(0)
  return load('tracing', 0, [...fromLogToName, ...fromInterface, ...fromTypesToLines, id])
}

/** `r0 = RESULT; exit`; `more` is what follows the licence in the attributes. */
function load(type: keyof typeof types, result: number, more: readonly Attribute[] = []): number {
  const instructions = [0xb7, 0, 0, 0, result, 0, 0, 0, 0x95, 0, 0, 0, 0, 0, 0, 0]
  const code = memory(instructions.length)
  code.set(instructions)
  const attributes = [types[type], instructions.length / 8, code, cText('GPL'), ...more]
  return bpfCall('programLoad', attributes)
}
