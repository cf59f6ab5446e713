// GET /api/events: events of every kind in our envelope and in stable pages. Asked with the parameters of the eBPF
// network monitor, or with none, it answers in that monitor's shape: programs that know it need no change.

import type { FastifyInstance, FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import { eventTable } from '../../wire/mod.ts'
import {
  type EventsAnswer,
  eventsAnswer,
  eventsParameters,
  monitorEvents,
} from '../contract/mod.ts'
import { badParameter } from '../errors.ts'
import { answerMonitorEvents } from '../monitor/routes.ts'
import type { Query } from '../question/query.ts'
import { answering } from './define-question.ts'
import type { RouteDeps } from './deps.ts'
import { responses } from './responses.ts'
import { pagesOf } from './rows-page.ts'

const monitorNames = new Set(
  'type command k8s_node_name k8s_pod_name k8s_namespace since until'.split(' '),
)
/** Parameters of both shapes, which decide nothing. */
const bothNames = new Set(['pid', 'limit'])

export function eventsRoute(app: FastifyInstance, deps: RouteDeps): void {
  const answerRows = answering<EventsAnswer>(eventTable, pagesOf(eventTable), deps)
  const schema = {
    summary: 'Events: connections, drops, retransmits, resets, DNS questions, packets',
    description:
      'With any parameter of ours (kind, from, to, filter, order, cursor, a field) the answer is our envelope. With type, command, since, until or k8s_…, with pid and limit alone, or without any parameter it has the shape of the eBPF network monitor. Both at once is an error.',
    tags: ['events'],
    querystring: eventsParameters,
    response: responses(Type.Union([eventsAnswer, monitorEvents])),
  }
  app.get('/api/events', { schema }, (request, reply) =>
    isOurs(request)
      ? answerRows(request, reply)
      : answerMonitorEvents(deps, request.query as Query, reply),
  )
}

/** Defaults are filled in by now: what was asked stands in the address alone. */
function isOurs(request: FastifyRequest): boolean {
  const names = [...new URLSearchParams(request.url.split('?')[1] ?? '').keys()]
  const own = names.find((name) => !monitorNames.has(name) && !bothNames.has(name))
  const theirs = names.find((name) => monitorNames.has(name))
  if (own === undefined || theirs === undefined) return own !== undefined
  throw badParameter(
    theirs,
    `it belongs to the shape of the eBPF network monitor, but ${own} does not`,
    `Leave out ${theirs}, or ${own}.`,
  )
}
