// What /health says: whether the server works, and who reports to it.

import { type Static, Type } from 'typebox'

const time = (description: string) => Type.String({ description, format: 'date-time' })

const healthCheck = Type.Object({
  name: Type.String({ description: 'What was looked at: store, disk, agents, clocks.' }),
  status: Type.Union([Type.Literal('ok'), Type.Literal('degraded'), Type.Literal('failing')]),
  message: Type.String({ description: 'For people; empty when all is well.' }),
})

const nodeHealth = Type.Object({
  node: Type.String(),
  state: Type.Union(
    [Type.Literal('live'), Type.Literal('idle'), Type.Literal('late'), Type.Literal('gone')],
    {
      description:
        'live: rows come. idle: the agent reports, and has no traffic to report. late: its interval has passed without a word. gone: so have many.',
    },
  ),
  last_seen: time('When the agent was last heard.'),
  interval_ms: Type.Integer({ description: 'How often it reports.' }),
  agent: Type.String({ description: "Id of the agent's data folder." }),
  version: Type.String({ description: 'Version of the agent.' }),
  clock_offset_ms: Type.Union([Type.Integer(), Type.Null()], {
    description:
      "The agent's clock minus the server's; null before it was heard. Beyond 5000 either way the times of its rows are corrected by it.",
  }),
  message: Type.String({
    description:
      'What is wrong with this node, for people: a clock that is off, a second agent under its name, a second agent on its host; empty when nothing is.',
  }),
})

export const health = Type.Object(
  {
    status: Type.Union(
      [Type.Literal('healthy'), Type.Literal('degraded'), Type.Literal('unhealthy')],
      {
        description:
          'By the worst of the checks: unhealthy, with HTTP status 503, when one is failing. healthy and unhealthy are the words of the eBPF network monitor.',
      },
    ),
    version: Type.String(),
    started: time('When this server started.'),
    component: Type.Optional(
      Type.String({ description: 'What answers: aggregator, as in the eBPF network monitor.' }),
    ),
    uptime: Type.Optional(Type.String({ description: 'How long it runs: `3725s`.' })),
    checks: Type.Array(healthCheck),
    nodes: Type.Array(nodeHealth),
  },
  { title: 'Health' },
)

export type Health = Static<typeof health>
/** As the server's parts know it, in the words of its checks. */
export type ServerHealth = Omit<Health, 'status'> & Pick<HealthCheck, 'status'>
export type HealthCheck = Static<typeof healthCheck>
export type NodeHealth = Static<typeof nodeHealth>
