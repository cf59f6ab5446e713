// /metrics.json of the XDP telemetry system: packets by agent and label, and the last of them.

import { type Static, Type } from 'typebox'

const count = (description: string) => Type.Integer({ description, minimum: 0 })

const recentEvent = Type.Object({
  timestamp_ns: Type.Integer({
    description: 'Nanoseconds since 1970, exact: more digits than a number of JavaScript holds.',
  }),
  ifindex: count('Index of the interface; 0 of an agent of Weir, which names the interface.'),
  queue_id: count('Receive queue; 0 of an agent of Weir.'),
  action: count('What became of the packet: 1 drop, 2 pass.'),
  label_id: count('Label of the rule that matched; 0 is none.'),
  data_len: count(
    'Octets: of the sample in a frame of xdt-agent, of the packet from an agent of Weir.',
  ),
  src_ip: Type.String({ description: '- is unknown.' }),
  dst_ip: Type.String({ description: '- is unknown.' }),
  src_port: count('0 where there is none.'),
  dst_port: count('0 where there is none.'),
  timestamp: Type.String({ format: 'date-time', description: 'The same instant as text.' }),
  interface: Type.Optional(Type.String({ description: 'Its name, from an agent of Weir.' })),
})

const node = Type.Object({
  agent_id: Type.String({ description: 'The node.' }),
  total_events: count('Packets since this server started.'),
  label_counts: Type.Array(
    Type.Object({ label_id: count('0 is none.'), count: count('Packets with this label.') }),
  ),
  recent_events: Type.Array(recentEvent, { description: 'The last 256, the newest last.' }),
})

export const metricsJsonAnswer = Type.Object(
  { total_events: count('Of all agents.'), nodes: Type.Array(node) },
  { title: 'MetricsJson' },
)

export type MetricsJsonAnswer = Static<typeof metricsJsonAnswer>
