// The socket probe's programs and what each needs, as data: what is loaded, what doctor says and the reference page
// follow from it. Never by the kernel's version.

import type { DegradedSpec, HookSpec } from '../spec.ts'

/** Tracing programs reach a socket's storage and cookie. */
export const storageName = 'BPF_FUNC_sock_from_file'
const mapIterators = ['bpf_iter__bpf_map_elem', 'bpf_iter__bpf_sk_storage_map'] as const
const slotNames = [storageName, ...mapIterators] as const
const loopNames = [storageName, 'bpf_iter__task', 'bpf_rdonly_cast', 'bpf_iter_num_new'] as const
const allowed = 'iterators over maps'

const withoutSlots = 'the walk over descriptors shows held sockets alone'
const withoutOwners = 'owners come from close and walks'

export const socketHooks: readonly HookSpec[] = [
  {
    program: 'socket_state',
    hook: 'tp_btf/inet_sock_set_state',
    needs: ['btf_trace_inet_sock_set_state'],
    since: '5.10',
    use: 'begin and end of each connection',
  },
  {
    program: 'socket_gone',
    hook: 'tp_btf/tcp_destroy_sock',
    needs: ['btf_trace_tcp_destroy_sock'],
    since: '5.10',
    use: 'ends that an interrupt hid',
    instead: 'such ends come late',
  },
  {
    program: 'socket_holders',
    hook: 'iter/task_file',
    needs: ['bpf_iter__task_file'],
    since: '5.10',
    use: 'who holds which socket',
  },
  {
    program: 'socket_slots',
    hook: 'iter/bpf_map_elem',
    needs: slotNames,
    since: '5.11',
    allowed,
    use: 'open sockets, held or not',
    instead: `socket_slots_loop, or ${withoutSlots}`,
    betterBy: 'socket_slots_cast',
  },
  {
    program: 'socket_slots_cast',
    hook: 'iter/bpf_map_elem',
    needs: [...slotNames, 'bpf_rdonly_cast'],
    since: '6.2',
    allowed,
    use: 'open sockets, held or not',
    instead: 'socket_slots does the same slower, socket_slots_loop without such an iterator',
  },
  {
    program: 'socket_slots_loop',
    hook: 'iter/task',
    needs: loopNames,
    since: '6.4',
    use: 'open sockets, held or not, where iterators over maps are refused',
    instead: withoutSlots,
    betterBy: 'socket_slots_cast',
  },
  {
    program: 'socket_stored',
    hook: 'iter/bpf_sk_storage_map',
    needs: slotNames,
    since: '5.11',
    allowed,
    use: 'open sockets without a slot: older than Weir, say',
    instead: 'the walk over descriptors shows them, at each dump while there are any',
  },
  {
    program: 'socket_table',
    hook: 'iter/tcp',
    needs: ['bpf_iter__tcp'],
    since: '5.10',
    use: 'older sockets that no process holds',
  },
  {
    program: 'socket_error',
    hook: 'tp_btf/inet_sk_error_report',
    needs: ['btf_trace_inet_sk_error_report'],
    since: '5.14',
    use: 'why an attempt was given up',
    instead: 'an error that the application took is not known',
  },
  {
    program: 'socket_send',
    hook: 'tp_btf/sock_send_length',
    needs: ['btf_trace_sock_send_length'],
    since: '6.3',
    use: 'which process writes',
    instead: withoutOwners,
  },
  {
    program: 'socket_receive',
    hook: 'tp_btf/sock_recv_length',
    needs: ['btf_trace_sock_recv_length'],
    since: '6.3',
    use: 'which process reads',
    instead: withoutOwners,
  },
]

export const socketDegraded: readonly DegradedSpec[] = [
  {
    without: [storageName],
    why: 'no socket storage in tracing programs: sockets that no process holds are shown once a minute; owners come from close and walks',
    remedy: 'Linux 6.3 or later',
  },
  {
    without: mapIterators,
    unless: loopNames,
    why: 'this kernel refuses iterators over maps: sockets that no process holds are shown once a minute',
    remedy: 'Linux 6.4 or later, or a kernel that allows them',
  },
  {
    without: ['btf_trace_sock_send_length'],
    why: 'owners come from close and walks alone: no sock_send_length',
    remedy: 'Linux 6.3 or later',
  },
]
