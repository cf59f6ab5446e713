// Fields that a flow row has twice, once for each end: written once, with their names `src_…` and `dst_…`.

import { processSources } from './closed-values.ts'
import type { Field } from './field.ts'

/** src = the initiator's end, dst = the responder's. */
export type Side = 'src' | 'dst'

const plain = 'ZSTD(1)'

/** Address and port of an end; the first two texts are their helps. */
export function socketAddress<S extends Side>(side: S, address: string, port: string) {
  const label = side === 'src' ? 'Source' : 'Destination'
  const word = label.toLowerCase()
  return [
    {
      name: `${side}_address`,
      kind: 'address',
      codec: plain,
      label,
      help: address,
      source: 'socket_record.local/remote',
      otel: `${word}.address`,
      ipfix: `${word}IPv6Address`,
    },
    {
      name: `${side}_port`,
      kind: 'u16',
      codec: plain,
      label: `${label} port`,
      help: port,
      otel: `${word}.port`,
      ipfix: `${word}TransportPort`,
    },
  ] as const satisfies readonly Field[]
}

/** Schemas of the table that brought the younger fields of an end. */
export interface EndSchemas {
  readonly workload: number
  readonly pod: number
}

/** Who an end is: the fields of its process and of where it runs. */
export function endFields<S extends Side>(side: S, role: string, since: EndSchemas) {
  const at = side === 'src' ? 'Source' : 'Destination'
  return [
    {
      name: `${side}_process`,
      kind: 'name',
      codec: plain,
      label: `${at} process`,
      help: `Command name of the ${role}'s process.`,
      source: 'task_struct.group_leader.comm',
      otel: `${side === 'src' ? 'source' : 'destination'}.process.name`,
    },
    {
      name: `${side}_pid`,
      kind: 'u32',
      codec: plain,
      label: `${at} pid`,
      help: `Process id of the ${role} (thread group id, in the host's pid namespace); 0 = not on this node or unknown.`,
      source: 'task_struct.tgid',
    },
    {
      name: `${side}_uid`,
      kind: 'u32',
      nullable: true,
      codec: plain,
      label: `${at} user`,
      help: `User id of the ${role}'s process.`,
      source: 'bpf_get_current_uid_gid',
    },
    {
      name: `${side}_netns`,
      kind: 'u32',
      codec: plain,
      label: `${at} netns`,
      help: `Inode of the ${role}'s network namespace; 0 = not on this node.`,
      source: 'net.ns.inum',
    },
    {
      name: `${side}_cgroup_id`,
      kind: 'id',
      codec: plain,
      label: `${at} cgroup`,
      help: `Id of the ${role}'s cgroup (inode of its cgroup2 folder); 0 = not on this node.`,
      source: 'sock_cgroup_data.cgroup.kn.id',
    },
    {
      name: `${side}_process_source`,
      kind: 'name',
      values: processSources,
      codec: plain,
      label: `${at} owner from`,
      help: `How the ${role}'s process was found: io (it read or wrote last), close (it closed), holder (it has the descriptor), connect, listener (the listening process, before any I/O).`,
    },
    ...place(side, role, since),
  ] as const satisfies readonly Field[]
}

/** What the cgroup of an end says about where it runs. */
function place<S extends Side>(side: S, role: string, since: EndSchemas) {
  const at = side === 'src' ? 'Source' : 'Destination'
  return [
    {
      name: `${side}_unit`,
      kind: 'name',
      codec: plain,
      label: `${at} unit`,
      help: `systemd unit of the ${role}, from its cgroup path.`,
      otel: `${side === 'src' ? 'source' : 'destination'}.systemd.unit`,
    },
    {
      name: `${side}_container`,
      kind: 'name',
      codec: plain,
      label: `${at} container`,
      help: `Container id of the ${role}, from its cgroup path.`,
      otel: `${side === 'src' ? 'source' : 'destination'}.container.id`,
    },
    {
      name: `${side}_node`,
      kind: 'name',
      since: since.workload,
      codec: plain,
      label: `${at} node`,
      help: `Host of the ${role}, when an agent of this fleet sees its socket; empty for others.`,
    },
    {
      name: `${side}_namespace`,
      kind: 'name',
      since: since.workload,
      codec: plain,
      label: `${at} namespace`,
      help: `Kubernetes namespace of the ${role}, as an event of another monitor or a span names it; Weir's own probes leave it empty: they do not know pods yet.`,
    },
    {
      name: `${side}_pod`,
      kind: 'name',
      since: since.pod,
      codec: plain,
      label: `${at} pod`,
      help: `Kubernetes pod of the ${role}, as an event of another monitor or a span names it; Weir's own probes leave it empty: they do not know pods yet.`,
      otel: `${side === 'src' ? 'source' : 'destination'}.k8s.pod.name`,
    },
    {
      name: `${side}_workload`,
      kind: 'name',
      since: since.workload,
      codec: plain,
      label: `${at} workload`,
      help: `What the ${role} belongs to: its systemd unit, else its container, else its process; empty when its socket is not on a node of this fleet.`,
    },
  ] as const satisfies readonly Field[]
}
