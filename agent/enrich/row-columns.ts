// The columns of a flow batch by name, looked up once per batch instead of once per value.

import type { Batch, Column } from '../../wire/mod.ts'

/** One column's memory under the type it has (addresses as four words); the other views are never touched. */
export interface Values {
  readonly u8: Uint8Array
  readonly u16: Uint16Array
  readonly u32: Uint32Array
  readonly f64: Float64Array
  readonly nulls: Uint8Array
}

/** The columns of one end, without the prefix. */
export interface EndColumns {
  readonly process: Values
  readonly pid: Values
  readonly uid: Values
  readonly netns: Values
  readonly cgroup_id: Values
  readonly process_source: Values
  readonly unit: Values
  readonly container: Values
  readonly node: Values
  readonly workload: Values
}

export interface RowColumns {
  readonly src: EndColumns
  readonly dst: EndColumns
  /** In the order of `total` (connection-table.ts): increments; then totals of bytes alone. */
  readonly increments: readonly Values[]
  readonly totals: readonly Values[]
  readonly node: Values
  readonly view: Values
  readonly observer: Values
  readonly counted: Values
  readonly protocol: Values
  readonly time: Values
  readonly start: Values
  readonly end: Values
  readonly srcAddress: Values
  readonly srcPort: Values
  readonly dstAddress: Values
  readonly dstPort: Values
  readonly rtt: Values
  readonly rttMin: Values
  readonly state: Values
  readonly endReason: Values
  readonly errno: Values
  readonly directionKnown: Values
  readonly opened: Values
  readonly connectionId: Values
  readonly interface: Values
}

const none = new Uint8Array(0)

export function rowColumnsOf(batch: Batch): RowColumns {
  const of = (name: string) => valuesOf(batch.columns[name] as Column)
  return {
    src: endColumns(of, 'src'),
    dst: endColumns(of, 'dst'),
    increments: [
      of('bytes'),
      of('reverse_bytes'),
      of('packets'),
      of('reverse_packets'),
      of('retransmits'),
      of('reverse_retransmits'),
    ],
    totals: [of('total_bytes'), of('total_reverse_bytes')],
    node: of('node'),
    view: of('view'),
    observer: of('observer'),
    counted: of('counted'),
    protocol: of('protocol'),
    time: of('time'),
    start: of('start'),
    end: of('end'),
    srcAddress: of('src_address'),
    srcPort: of('src_port'),
    dstAddress: of('dst_address'),
    dstPort: of('dst_port'),
    rtt: of('rtt_ns'),
    rttMin: of('rtt_min_ns'),
    state: of('state'),
    endReason: of('end_reason'),
    errno: of('errno'),
    directionKnown: of('direction_known'),
    opened: of('opened'),
    connectionId: of('connection_id'),
    interface: of('interface'),
  }
}

function endColumns(of: (name: string) => Values, side: 'src' | 'dst'): EndColumns {
  return {
    process: of(`${side}_process`),
    pid: of(`${side}_pid`),
    uid: of(`${side}_uid`),
    netns: of(`${side}_netns`),
    cgroup_id: of(`${side}_cgroup_id`),
    process_source: of(`${side}_process_source`),
    unit: of(`${side}_unit`),
    container: of(`${side}_container`),
    node: of(`${side}_node`),
    workload: of(`${side}_workload`),
  }
}

function valuesOf(column: Column): Values {
  const { values, nulls } = column
  const any = (column.field.kind === 'address' ? new Uint32Array(values.buffer) : values) as never
  return { u8: any, u16: any, u32: any, f64: any, nulls: nulls ?? none }
}
