// The filter of an agent: one text for the rows of both tables that it reports, so it may name only what both have.

import { AppError } from '../../common/mod.ts'
import { eventTable } from '../model/event-fields.ts'
import type { Field } from '../model/field.ts'
import { flowTable } from '../model/flow-fields.ts'
import { parseFilter } from './check.ts'
import { filterError, inFilter } from './error.ts'
import { type Filter, fieldsIn } from './filter.ts'

export interface AgentFilter {
  readonly flows: Filter
  readonly events: Filter
}

/** What relative times are read against before they are refused. */
const nowNs = 1_767_225_600_000_000_000n

/**
 * Throws AppError `bad_filter`, also for fields that only one of the tables has, and for times and measurements: a row
 * that is left out because of its own figures would tear its connection.
 */
export function parseAgentFilter(text: string): AgentFilter {
  return inFilter(text, () => parseForBoth(text))
}

function parseForBoth(text: string): AgentFilter {
  const flows = parseFilter(text, { table: flowTable, nowNs })
  for (const name of fieldsIn(flows)) {
    const field = flowTable.fields.find((one) => one.name === name)
    const why = field ? refusalOf(field) : 'is computed by the store alone'
    if (why) throw filterError(positionOf(text, name), `${name} ${why}`)
  }
  return { flows, events: parseForEvents(text) }
}

function refusalOf({ kind }: Field): string | undefined {
  if (kind === 'time') return 'is a time: an agent filters by who and where'
  if (kind === 'counter') return 'is a measurement: an agent filters by who and where'
  return undefined
}

/** What flows have and events have not is wrong too, at its place. */
function parseForEvents(text: string): Filter {
  try {
    return parseFilter(text, { table: eventTable, nowNs })
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== 'bad_filter') throw error
    const { position, what } = error.details as { position: number; what: string }
    throw filterError(position, `an agent filters events too, and there ${what}`)
  }
}

/** Where the text names the field, in whatever form; 0 when it is not found. */
function positionOf(text: string, name: string): number {
  const bare = name.replace(/^(?:src|dst)_/, '')
  const forms = [name, bare, name.replace(/_(?:ns|bytes)$/, '')]
  return forms.map((word) => text.indexOf(word)).find((place) => place >= 0) ?? 0
}
