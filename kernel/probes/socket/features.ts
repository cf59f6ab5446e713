// How the socket probe is loaded on the running kernel, by the names that its type information knows. Never by the
// kernel's version.

import { conditionEntries } from '../conditions.ts'
import { absentPrograms as absentOf, featuresOf, type ProbeOptions } from '../spec.ts'
import { socketDegraded, socketHooks } from './hooks.ts'

/** Names in kernel BTF that decide how the probe is loaded. */
export const socketFeatures: readonly string[] = featuresOf({
  hooks: socketHooks,
  degraded: socketDegraded,
})

export type SocketFeatures = ReadonlySet<string>

/** The program that reads slots. */
export type SlotProgram = 'socket_slots' | 'socket_slots_cast'

/** Programs that are not loaded, each with the reason. */
export function absentPrograms(features: SocketFeatures): ReadonlyMap<string, string> {
  return absentOf(socketHooks, features)
}

/** Undefined where there are no slots: the walk over descriptors is the dump there. */
export function slotProgram(features: SocketFeatures): SlotProgram | undefined {
  const absent = absentPrograms(features)
  const programs = ['socket_slots', 'socket_slots_cast'] as const
  return programs.find((program) => !absent.has(program))
}

/** Reading and writing tell owners: then a walk need not look for them at each dump. */
export function tellsOwners(features: SocketFeatures): boolean {
  return features.has('btf_trace_sock_send_length') && features.has('btf_trace_sock_recv_length')
}

/** Where sockets have storage the table by address is never touched, elsewhere the slots. */
export function mapSizes(
  features: SocketFeatures,
  { ringBytes, conditions = [] }: Pick<ProbeOptions, 'conditions'> & { readonly ringBytes: number },
): Record<string, number> {
  const unused = features.has('BPF_FUNC_sock_from_file')
    ? { conns_by_address: 1 }
    : { slots: 1, groups: 1 }
  const filtered = conditions.length === 0 ? { met_by_pair: 1 } : {}
  return {
    ended: ringBytes,
    condition_values: conditionEntries(conditions),
    ...filtered,
    ...unused,
  }
}
