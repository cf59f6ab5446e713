// The rules of XDP programs as rows: what is loaded where, and what each rule has counted. Of a report all rows have
// one time; the newest report of a node is what is loaded there.

import type { Field, Table } from './field.ts'

const plain = 'ZSTD(1)'
const number = 'T64, ZSTD(1)'

const counter = (name: string, label: string, help: string): Field => ({
  name,
  kind: 'counter',
  unit: name.includes('bytes') ? 'bytes' : 'packets',
  codec: number,
  label,
  help,
})

const fields: readonly Field[] = [
  {
    name: 'time',
    kind: 'time',
    codec: 'Delta(8), ZSTD(1)',
    label: 'Time',
    help: 'When the agent looked: every 10 s while packets come, else once a minute.',
  },
  { name: 'node', kind: 'name', codec: plain, label: 'Node', help: 'Host.' },
  {
    name: 'netns',
    kind: 'u32',
    codec: plain,
    label: 'Netns',
    help: 'Inode of the network namespace of the interface.',
  },
  {
    name: 'interface',
    kind: 'name',
    codec: plain,
    label: 'Interface',
    help: 'Network interface; empty in a report that nothing is loaded any more.',
  },
  {
    name: 'mode',
    kind: 'name',
    values: ['', 'native', 'generic', 'gone', 'unknown'],
    codec: plain,
    label: 'Mode',
    help: 'native = in the driver, generic = behind it, gone = the interface was deleted, unknown = its namespace cannot be entered; empty until it is known.',
  },
  {
    name: 'program_id',
    kind: 'u32',
    ungrouped: true,
    codec: number,
    label: 'Program',
    help: 'As bpftool prog shows it.',
  },
  {
    name: 'rank',
    kind: 'u32',
    ungrouped: true,
    codec: number,
    label: 'Rank',
    help: 'Place in the order in which rules are tried, from 1; 0 is the interface itself: all its packets.',
  },
  {
    name: 'rule',
    kind: 'name',
    codec: plain,
    label: 'Rule',
    help: 'The rule as weir rules apply reads it; empty for the interface itself.',
  },
  {
    name: 'action',
    kind: 'name',
    values: ['', 'pass', 'drop', 'limit'],
    codec: plain,
    label: 'Action',
    help: 'What the rule does with its packets; limit drops what exceeds a rate.',
  },
  { name: 'label', kind: 'name', codec: plain, label: 'Label', help: 'Label of the rule.' },
  {
    name: 'shadow',
    kind: 'flag',
    codec: plain,
    label: 'Shadow',
    help: 'The rule counts what it would drop and drops nothing.',
  },
  {
    name: 'expires',
    kind: 'time',
    nullable: true,
    codec: 'Delta(8), ZSTD(1)',
    label: 'Expires',
    help: 'When the rule ends by itself; null = never.',
  },
  {
    name: 'confirm_by',
    kind: 'time',
    nullable: true,
    codec: 'Delta(8), ZSTD(1)',
    label: 'Confirm by',
    help: 'When all rules of the interface are taken back unless somebody confirms them; null = they stay.',
  },
  {
    name: 'protect',
    kind: 'flag',
    codec: plain,
    label: 'Protects',
    help: "Whether Weir's own connections, neighbour discovery and DHCP always pass.",
  },
  {
    name: 'rules',
    kind: 'u32',
    ungrouped: true,
    codec: number,
    label: 'Rules',
    help: 'Rules in force on the interface; beyond 2,000 they are not reported one by one.',
  },
  counter('packets', 'Packets', 'Packets that the rule decided about since it was loaded.'),
  counter('bytes', 'Bytes', 'Octets of these packets, from the IP header on (L3).'),
  counter(
    'dropped',
    'Dropped',
    'Of these packets those dropped; of a rule in shadow mode those it would have dropped.',
  ),
  counter('dropped_bytes', 'Dropped bytes', 'Octets of the dropped packets (L3).'),
  counter(
    'protected',
    'Protected',
    'Of the interface itself: packets that passed though a rule would have dropped them.',
  ),
]

/** Rule rows: one rule of one interface of one node at one instant. */
export const ruleTable: Table = {
  name: 'rules',
  number: 5,
  schema: 1,
  fields,
  derived: [],
  identity: ['node', 'netns', 'interface', 'rank'],
  measured: false,
  partitionBy: 'toDate(time)',
  orderBy: 'node, time, interface, rank',
}
