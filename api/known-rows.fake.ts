// Rows that the tests know by heart: two nodes, twenty minutes, both families, failures, nulls, names
// that try to be SQL, many rows at one instant. And a ledger with a known loss, a hole and a silent node.

import {
  appendRow,
  type Batch,
  createBatch,
  flowTable,
  ledgerTable,
  type Row,
  type RowValues,
  rowOf,
} from '../wire/mod.ts'

const second = 1_000_000_000n
/** 2026-11-21T06:00:00Z */
export const beginNs = 1_795_240_800n * second
export const endNs = beginNs + 1200n * second
/** When the questions are asked. */
export const nowNs = endNs + second

export const hostileNames = [
  "'; DROP TABLE flows; --",
  'a"b`c\\d\te\nf',
  '{p0:String}',
  '\u202egnp.exe\u0001',
  "\\' OR 1=1",
  '%27 or *',
  'naïve 🐟',
]

/** How many flow rows one instant has at most. */
const perInstant = 7

/** The rows as the agent would send them. */
export function knownFlows(): Batch {
  const rows = Array.from({ length: 840 }, (_, i) => flow(i))
  // Two rows that are equal: pages must show both.
  return batchOf(flowTable, [...rows, flow(5), flow(5)])
}

/** The same rows as JSON would have them. */
export function rowsOf(batch: Batch): readonly Row[] {
  return Array.from({ length: batch.length }, (_, i) => rowOf(batch, i))
}

function flow(i: number): RowValues {
  const failed = i % 11 === 0
  const slow = i % 55 === 0
  const v6 = i % 3 === 0
  const known = i % 4 !== 0
  return {
    time: beginNs + BigInt(Math.floor(i / perInstant)) * 10n * second + 1n,
    start: known ? beginNs + BigInt(i) * second : null,
    end: failed ? beginNs + BigInt(i) * second + 5n : null,
    node: i % 5 === 0 ? 'node-b' : 'node-a',
    view: 'socket',
    counted: true,
    observer: i % 2 === 0 ? 'both' : 'src',
    protocol: 'tcp',
    src_address: v6 ? `2001:db8::${(i % 9) + 1}:0:0:1` : `10.1.${i % 4}.${(i % 200) + 1}`,
    src_port: failed && i % 22 === 0 ? 0 : 30_000 + i,
    dst_address: v6 ? '2001:db8:0:1:1:1:1:1' : `192.168.0.${(i % 3) + 1}`,
    dst_port: [80, 443, 5432][i % 3] as number,
    bytes: failed ? 0 : 1000 * i + 7,
    packets: i,
    reverse_bytes: failed ? 0 : 3_000_000_000 + i,
    reverse_packets: 2 * i,
    retransmits: i % 6 === 0 ? null : i % 2,
    reverse_retransmits: null,
    total_bytes: failed ? 0 : 1000 * i + 7,
    total_reverse_bytes: failed ? 0 : 3_000_000_000 + i,
    rtt_ns: failed || i % 7 === 0 ? null : 100_000 + i * 1000,
    rtt_min_ns: null,
    state: failed ? 'closed' : 'established',
    end_reason: failed ? (slow ? 'timeout' : 'refused') : i % 13 === 0 ? 'timeout' : '',
    errno: failed && !slow ? 'ECONNREFUSED' : '',
    direction_known: i % 2,
    opened: known ? 1 : 0,
    connection_id: failed ? BigInt(i + 1) : 18_446_744_073_709_000_000n + BigInt(i % 300),
    interface: 'eth0',
    src_process:
      i % 10 === 9 ? (hostileNames[i % 7] as string) : (['curl', 'nginx', 'etl'][i % 3] as string),
    src_pid: 100 + (i % 12),
    src_uid: known ? 1000 : null,
    src_netns: 4_026_531_840,
    src_cgroup_id: 9_007_199_254_740_993n,
    src_unit: 'shop.service',
    dst_process: ['postgres', 'nginx'][i % 2] as string,
    dst_pid: 100 + (i % 8),
    dst_netns: 4_026_531_840,
    dst_cgroup_id: 7n,
    dst_container: i % 2 === 0 ? 'c0ffee' : '',
  }
}

/** node-a watches all the time but for a minute; node-b is heard last five minutes before the end. */
export const hole = {
  node: 'node-a',
  fromNs: beginNs + 300n * second,
  toNs: beginNs + 360n * second,
}
export const silence = { node: 'node-b', fromNs: endNs - 300n * second, toNs: endNs }

/** Lost in all: 30 + 12 with a cause, 5 more that no cause explains; node-b lost 30 of them. */
export const lost = { ring_full: 30, spool_full: 12, unknown: 5 }

export function knownLedger(): Batch {
  const rows: RowValues[] = []
  for (let i = -12; i < 240; i++) {
    const start = beginNs + BigInt(i) * 5n * second
    const base = { start, time: start + 5n * second, unit: 'records', entered: 10, left: 10 }
    const inHole = start >= hole.fromNs && start < hole.toNs
    if (!inHole) rows.push({ ...base, node: 'node-a', stage: 'hook' })
    if (start < silence.fromNs) rows.push({ ...base, node: 'node-b', stage: 'hook' })
  }
  const at = { start: beginNs + 60n * second, time: beginNs + 65n * second, unit: 'rows' }
  const spool = { ...at, node: 'node-a', stage: 'spool' }
  rows.push({ ...spool, entered: 40, left: 20, lost: 17, waiting: 3 })
  rows.push({ ...spool, cause: 'spool_full', lost: 12 })
  rows.push({ ...spool, cause: 'own_traffic', filtered: 9 })
  const later = { start: beginNs + 120n * second, time: beginNs + 125n * second }
  rows.push({ ...spool, ...later, entered: 5, left: 8, waiting: 0 })
  const drain = { ...at, node: 'node-b', stage: 'drain', unit: 'records' }
  rows.push({ ...drain, entered: 30, left: 0, lost: 30 })
  rows.push({ ...drain, cause: 'ring_full', lost: 30 })
  return batchOf(ledgerTable, rows)
}

function batchOf(table: typeof flowTable, rows: readonly RowValues[]): Batch {
  const batch = createBatch(table, rows.length)
  for (const row of rows) appendRow(batch, row)
  return batch
}
