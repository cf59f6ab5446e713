// Programs that do nothing, for finding out what the kernel takes.

import { bpfCall, callRefused, cText, memory } from './bpf-call.ts'
import { errorText } from './library.ts'

/** BPF_PROG_TYPE_*. */
const types = { socket: 1, tc: 3, xdp: 6 } as const
/** `r0 = 2; exit`: 2 is XDP_PASS; nothing sees the other kinds' verdicts. */
const instructions = [0xb7, 0, 0, 0, 2, 0, 0, 0, 0x95, 0, 0, 0, 0, 0, 0, 0]

/** The descriptor; it is the caller's to close. Throws `kernel_call`. */
export function loadNothing(type: keyof typeof types): number {
  const code = memory(instructions.length)
  code.set(instructions)
  const fd = bpfCall('programLoad', [types[type], instructions.length / 8, code, cText('GPL')])
  if (fd < 0) throw callRefused(`loading a ${type} program`, errorText(fd))
  return fd
}
