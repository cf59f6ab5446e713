// How the socket probe is loaded on the running kernel, by the names that its type information knows. Never by the
// kernel's version.

import { conditionEntries } from '../conditions.ts'
import { absentPrograms as absentOf, featuresOf, type ProbeOptions } from '../spec.ts'
import { socketDegraded, socketHooks, storageName } from './hooks.ts'

/** Names in kernel BTF that decide how the probe is loaded. */
export const socketFeatures: readonly string[] = featuresOf({
  hooks: socketHooks,
  degraded: socketDegraded,
})

export type SocketFeatures = ReadonlySet<string>

/** The program that reads slots. */
export type SlotProgram = (typeof slotPrograms)[number]
const slotPrograms = ['socket_slots', 'socket_slots_cast', 'socket_slots_loop'] as const

/** Programs that are not loaded, each with the reason. */
export function absentPrograms(features: SocketFeatures): ReadonlyMap<string, string> {
  return absentOf(socketHooks, features)
}

/** Undefined where nothing reads slots: the walk over descriptors is the dump there. */
export function slotProgram(features: SocketFeatures): SlotProgram | undefined {
  const absent = absentPrograms(features)
  return slotPrograms.find((program) => !absent.has(program))
}

/** `walk_shows` of conn.h: what the walk shows because no iterator does. */
export const walkShows = { none: 0, stored: 1, all: 2 } as const

/** Before 5.11 the walk is the dump in another way: it does not look at this. */
export function walkShowsOn(features: SocketFeatures): number {
  const slots = slotProgram(features)
  if (slots === undefined) return walkShows.all
  return slots === 'socket_slots_loop' ? walkShows.stored : walkShows.none
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
  const unused = features.has(storageName) ? { conns_by_address: 1 } : { slots: 1, groups: 1 }
  const filtered = conditions.length === 0 ? { met_by_pair: 1 } : {}
  return {
    ended: ringBytes,
    condition_values: conditionEntries(conditions),
    ...filtered,
    ...unused,
  }
}
