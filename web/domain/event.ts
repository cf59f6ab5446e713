// What an event says to a person in a few words, and what to filter by to see its like.

import { duration, text as figure } from '../../common/number/mod.ts'
import type { Values } from '../data/contract.ts'
import { text } from './flow.ts'
import type { Filter } from './location.ts'

export interface EventWords {
  readonly words: string
  readonly failing: boolean
  /** The fields that the words are made of. */
  readonly filters: readonly Filter[]
}

interface Said {
  readonly fields: readonly string[]
  readonly words?: (row: Values) => string
  readonly failing?: (row: Values) => boolean
}

const spoken = (value: string) => value.replaceAll('_', ' ')
const wellResults = new Set(['', 'established', 'closed'])

/** By kind; what has no entry says nothing but its kind. */
const byKind: Readonly<Record<string, Said>> = {
  connection: {
    fields: ['phase', 'result', 'errno'],
    // A connection that just ended has the phase closed and the result closed: once is enough.
    words: (row) => {
      const said = [text(row, 'phase'), text(row, 'result'), text(row, 'errno')]
      return [...new Set(said.filter(Boolean))].map(spoken).join(' ')
    },
    failing: (row) => text(row, 'errno') !== '' || !wellResults.has(text(row, 'result')),
  },
  drop: { fields: ['reason'], words: (row) => text(row, 'reason'), failing: () => true },
  retransmit: { fields: ['state'] },
  reset: { fields: ['direction', 'state', 'reason'] },
  dns: {
    fields: ['dns_name', 'dns_type', 'dns_rcode'],
    words: (row) => {
      const took = row['dns_latency_ns']
      const time = typeof took === 'number' ? ` in ${figure(duration(took))}` : ''
      return `${text(row, 'dns_type')} ${text(row, 'dns_name')} → ${text(row, 'dns_rcode')}${time}`
    },
    failing: (row) => !['', 'noerror'].includes(text(row, 'dns_rcode')),
  },
  packet: { fields: ['label', 'action'] },
}

export function wordsOf(row: Values): EventWords {
  const said: Said = byKind[text(row, 'kind')] ?? { fields: [] }
  const filters = said.fields
    .map((field) => ({ field, value: text(row, field) }))
    .filter(({ value }) => value !== '')
  const plain = filters.map(({ value }) => spoken(value)).join(' ')
  return {
    words: said.words?.(row) ?? plain,
    failing: said.failing?.(row) ?? false,
    filters,
  }
}

export interface Tab {
  /** Value of `kind` in the URL; '' = all. */
  readonly kind: string
  readonly title: string
  /** The probe that sees it. */
  readonly probe: string
  /** What the list says when nothing happened. */
  readonly nothing: string
}

/** The lists of the page, in their order. */
export const tabs: readonly Tab[] = [
  { kind: '', title: 'All', probe: 'socket', nothing: 'Nothing happened.' },
  {
    kind: 'connection',
    title: 'Connections',
    probe: 'socket',
    nothing: 'No connection was opened or closed.',
  },
  { kind: 'drop', title: 'Drops', probe: 'drop', nothing: 'The kernel dropped no packet.' },
  {
    kind: 'retransmit',
    title: 'Retransmits',
    probe: 'drop',
    nothing: 'No segment was sent again.',
  },
  { kind: 'reset', title: 'Resets', probe: 'drop', nothing: 'No connection was reset.' },
  { kind: 'packet', title: 'Packets', probe: 'xdp', nothing: 'No packet was reported.' },
]
