// Which programs of the socket probe the running kernel can take, by the names that its type information knows, and
// what is used instead of the others. Never by the kernel's version.

/** Names in kernel BTF that decide how the probe is loaded. */
export const socketFeatures = [
  'btf_trace_inet_sock_set_state',
  'btf_trace_sock_send_length',
  'btf_trace_sock_recv_length',
  'btf_trace_inet_sk_error_report',
  'bpf_iter__task_file',
  'bpf_iter__tcp',
  'bpf_iter__bpf_map_elem',
  'bpf_iter__bpf_sk_storage_map',
  'bpf_rdonly_cast',
  'BPF_FUNC_sock_from_file',
] as const

export type SocketFeatures = ReadonlySet<string>

/** The program that reads slots. */
export type SlotProgram = 'socket_slots' | 'socket_slots_cast'

const withoutOwners =
  'the kernel has no such tracepoint (6.3 and later); owners come from close and walks'
const withoutErrors =
  'the kernel has no such tracepoint (5.14 and later); an error that the application took is not known'
const withoutSlots =
  'tracing programs have no socket storage (5.11 and later); the walk is the dump'

/** Programs that are not loaded, each with the reason. */
export function absentPrograms(features: SocketFeatures): ReadonlyMap<string, string> {
  const absent = new Map<string, string>()
  if (!features.has('btf_trace_sock_send_length')) absent.set('socket_send', withoutOwners)
  if (!features.has('btf_trace_sock_recv_length')) absent.set('socket_receive', withoutOwners)
  if (!features.has('btf_trace_inet_sk_error_report')) absent.set('socket_error', withoutErrors)
  const slots = slotProgram(features)
  if (slots === undefined) {
    for (const name of ['socket_slots', 'socket_slots_cast', 'socket_stored']) {
      absent.set(name, withoutSlots)
    }
  } else if (slots === 'socket_slots') {
    absent.set('socket_slots_cast', 'the kernel has no bpf_rdonly_cast (6.2); socket_slots is used')
  } else {
    absent.set('socket_slots', 'socket_slots_cast does the same faster')
  }
  return absent
}

/** Undefined where there are no slots: the walk over descriptors is the dump there. */
export function slotProgram(features: SocketFeatures): SlotProgram | undefined {
  if (!hasSlots(features)) return undefined
  return features.has('bpf_rdonly_cast') ? 'socket_slots_cast' : 'socket_slots'
}

/** Reading and writing tell owners: then a walk need not look for them at each dump. */
export function tellsOwners(features: SocketFeatures): boolean {
  return features.has('btf_trace_sock_send_length') && features.has('btf_trace_sock_recv_length')
}

/** Where sockets have storage the table by address is never touched, elsewhere the slots. */
export function mapSizes(features: SocketFeatures, ringBytes: number): Record<string, number> {
  const unused = features.has('BPF_FUNC_sock_from_file')
    ? { conns_by_address: 1 }
    : { slots: 1, groups: 1 }
  return { ended: ringBytes, ...unused }
}

function hasSlots(features: SocketFeatures): boolean {
  return [
    'BPF_FUNC_sock_from_file',
    'bpf_iter__bpf_map_elem',
    'bpf_iter__bpf_sk_storage_map',
  ].every((name) => features.has(name))
}
