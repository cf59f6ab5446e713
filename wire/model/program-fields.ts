// The BPF programs of every node as rows: what runs, what does not and why, and what it costs.

import { programStates } from './closed-values.ts'
import type { Field, Table } from './field.ts'

const plain = 'ZSTD(1)'
const number = 'T64, ZSTD(1)'

const fields: readonly Field[] = [
  {
    name: 'time',
    kind: 'time',
    codec: 'Delta(8), ZSTD(1)',
    label: 'Time',
    help: 'When the agent looked: at its start and once a minute.',
  },
  { name: 'node', kind: 'name', codec: plain, label: 'Node', help: 'Host.' },
  { name: 'probe', kind: 'name', codec: plain, label: 'Probe', help: 'Probe that it belongs to.' },
  {
    name: 'program',
    kind: 'name',
    codec: plain,
    label: 'Program',
    help: 'Name of the program, as bpftool shows it.',
  },
  {
    name: 'hook',
    kind: 'name',
    codec: plain,
    label: 'Hook',
    help: 'Where the kernel runs it: tp_btf/inet_sock_set_state, iter/task_file.',
  },
  {
    name: 'state',
    kind: 'name',
    values: programStates,
    codec: plain,
    label: 'State',
    help: 'ready = loaded; off = this kernel does without it; failed = its probe could not be opened.',
  },
  {
    name: 'reason',
    kind: 'text',
    codec: plain,
    label: 'Reason',
    help: 'Why it is not ready or does less than it should, and what is used instead; else empty.',
  },
  {
    name: 'program_id',
    kind: 'u32',
    ungrouped: true,
    codec: number,
    label: 'Id',
    help: 'As bpftool prog shows it; 0 if it is not loaded.',
  },
  {
    name: 'runs',
    kind: 'counter',
    codec: number,
    label: 'Runs',
    help: 'Runs since it was loaded; counted only while kernel.bpf_stats_enabled is on, else 0.',
  },
  {
    name: 'run_time_ns',
    kind: 'counter',
    unit: 'ns',
    codec: number,
    label: 'Run time',
    help: 'Time of these runs, all CPUs together; measured only while kernel.bpf_stats_enabled is on, else 0.',
  },
  {
    name: 'map_bytes',
    kind: 'counter',
    unit: 'bytes',
    codec: number,
    label: 'Maps',
    help: 'Memory of the maps that it uses; a map that programs share is in each of them.',
  },
]

/** Program rows: one program of one node at one instant. */
export const programTable: Table = {
  name: 'programs',
  number: 3,
  schema: 1,
  fields,
  derived: [],
  identity: ['node', 'probe', 'program'],
  measured: false,
  partitionBy: 'toDate(time)',
  orderBy: 'node, time, probe, program',
}
