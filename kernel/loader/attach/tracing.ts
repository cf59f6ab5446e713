// Tracepoints with type information (tp_btf, Linux 5.5). Any number of programs share one and all of them run;
// the link belongs to its descriptor. Takes CAP_BPF and CAP_PERFMON.

import { bpfCall } from '../bpf-call.ts'
import { kernelNames } from '../host.ts'
import {
  type AttachedProgram,
  attachRefused,
  available,
  type Hook,
  missingFeature,
  refusedFeature,
} from './hook.ts'
import { type Link, linksOfType, linkType, openLink } from './link.ts'
import { createOwners } from './program-owner.ts'

export interface TracingPlace {
  /** As in `/sys/kernel/tracing/events/*`: `inet_sock_set_state`. It must be the one of the program's section. */
  readonly tracepoint: string
}

const needed = ['CAP_BPF', 'CAP_PERFMON'] as const

export const tracing: Hook<TracingPlace, Link> = {
  name: 'tp_btf',
  feature: ({ tracepoint }) => {
    const name = `btf_trace_${tracepoint}`
    if (!kernelNames([name]).has(name)) {
      const needs = 'a kernel with this tracepoint'
      return missingFeature(`tracing ${tracepoint}`, needs, 'nothing is measured there')
    }
    return refusedFeature(`to ${tracepoint}`, needed) ?? available
  },
  attached: ({ tracepoint }) => attachedBy(linkType.rawTracepoint, tracepoint),
  attach: (program, { tracepoint }) => {
    // The kernel has the tracepoint from the load of the program: no name here.
    const fd = bpfCall('rawTracepointOpen', [new Uint8Array(0), program.fd])
    if (fd < 0) throw attachRefused(`${program.name} to tracepoint ${tracepoint}`, -fd, needed)
    return openLink(fd)
  },
}

/** What links of this type and name hold. Takes CAP_SYS_ADMIN, else throws `not_permitted`. */
export function attachedBy(type: number, name: string): readonly AttachedProgram[] {
  const owner = createOwners()
  return [...linksOfType(type)]
    .filter((link) => link.name === name)
    .map(({ id, programId }) => ({ programId, linkId: id, ...owner(programId), details: '' }))
}
