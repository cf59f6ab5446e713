// The loss ledger as rows: per node, interval and stage, in = out + filtered + sampled + lost + the change of waiting.

import { stages } from './closed-values.ts'
import type { Field, Table } from './field.ts'

const time = 'Delta(8), ZSTD(1)'
const plain = 'ZSTD(1)'
const number = 'T64, ZSTD(1)'

const fields: readonly Field[] = [
  { name: 'time', kind: 'time', codec: time, label: 'Time', help: 'End of the interval.' },
  {
    name: 'start',
    kind: 'time',
    codec: time,
    label: 'From',
    help: 'Begin of the interval: the agent watched from here to time. A hole between intervals is a gap.',
  },
  { name: 'node', kind: 'name', codec: plain, label: 'Node', help: 'Host.' },
  {
    name: 'stage',
    kind: 'name',
    values: stages,
    codec: plain,
    label: 'Stage',
    help: 'Step from the kernel to the store: hook, drain, enrich, spool, wire, intake, ingest, resolve, segment, store, export; agent is its heartbeat.',
  },
  {
    name: 'probe',
    kind: 'name',
    since: 2,
    codec: plain,
    label: 'Probe',
    help: 'Probe or protocol whose records the stage counts, or export whose rows; else empty.',
  },
  {
    name: 'table',
    kind: 'name',
    since: 2,
    codec: plain,
    label: 'Table',
    help: 'Table whose rows the stage counts; empty for those of a probe.',
  },
  {
    name: 'unit',
    kind: 'name',
    values: ['records', 'packets', 'rows', 'intervals', 'datagrams'],
    codec: plain,
    label: 'Unit',
    help: 'What the stage counts: records, packets, rows, datagrams of an exporter, or the intervals that an agent has watched.',
  },
  {
    name: 'cause',
    kind: 'name',
    codec: plain,
    label: 'Cause',
    help: "Empty on the stage's own row; else why `lost` or `filtered` of this row happened, which the stage's own row includes.",
  },
  {
    name: 'entered',
    kind: 'counter',
    unit: 'rows',
    sum: true,
    codec: number,
    label: 'In',
    help: 'What came into the stage.',
  },
  {
    name: 'left',
    kind: 'counter',
    unit: 'rows',
    sum: true,
    codec: number,
    label: 'Out',
    help: 'What left it for the next.',
  },
  {
    name: 'filtered',
    kind: 'counter',
    unit: 'rows',
    sum: true,
    codec: number,
    label: 'Filtered',
    help: 'Left out because it was asked for.',
  },
  {
    name: 'sampled',
    kind: 'counter',
    unit: 'rows',
    sum: true,
    codec: number,
    label: 'Sampled',
    help: 'Left out by sampling.',
  },
  {
    name: 'lost',
    kind: 'counter',
    unit: 'rows',
    sum: true,
    codec: number,
    label: 'Lost',
    help: 'Known to have existed and gone.',
  },
  {
    name: 'waiting',
    kind: 'counter',
    unit: 'rows',
    codec: number,
    label: 'Waiting',
    help: 'In the stage at the end of the interval, neither out nor lost.',
  },
]

/** Ledger rows: one stage of one node in one interval, per cause. */
export const ledgerTable: Table = {
  name: 'ledger',
  number: 2,
  schema: 2,
  fields,
  derived: [],
  identity: ['node', 'stage', 'probe', 'table', 'cause'],
  measured: false,
  partitionBy: 'toDate(time)',
  orderBy: 'node, time, stage, cause',
}
