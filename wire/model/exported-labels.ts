// Labels that a metric can be divided by: the fields of rows that can be grouped, under the names of a dialect.

import { eventTable } from './event-fields.ts'
import type { MetricDialect } from './exported-metrics.ts'
import { isGroupable } from './field.ts'
import { flowTable } from './flow-fields.ts'

/** Names of a field's label where a dialect has a word for it; else the label is called as the field. */
const words: Readonly<Record<MetricDialect, Readonly<Record<string, string>>>> = {
  obi: {
    src_namespace: 'k8s_src_namespace',
    dst_namespace: 'k8s_dst_namespace',
    src_pod: 'k8s_src_name',
    dst_pod: 'k8s_dst_name',
    src_workload: 'k8s_src_owner_name',
    dst_workload: 'k8s_dst_owner_name',
    src_node: 'k8s_src_node_name',
    dst_node: 'k8s_dst_node_name',
    protocol: 'transport',
    interface: 'iface',
  },
  netobserv: {
    src_namespace: 'SrcK8S_Namespace',
    dst_namespace: 'DstK8S_Namespace',
    src_pod: 'SrcK8S_Name',
    dst_pod: 'DstK8S_Name',
    src_workload: 'SrcK8S_OwnerName',
    dst_workload: 'DstK8S_OwnerName',
    src_node: 'SrcK8S_HostName',
    dst_node: 'DstK8S_HostName',
    src_address: 'SrcAddr',
    dst_address: 'DstAddr',
    src_port: 'SrcPort',
    dst_port: 'DstPort',
    protocol: 'Proto',
    interface: 'Interfaces',
  },
}

/** The responder's port whichever way the bytes go: unlike dst_port, it never shows a port of a client. */
export const serverPort = 'server_port'

/** What a question without labels is divided by. */
export const labelsDefault = ['src_namespace', 'src_workload', 'dst_namespace', 'dst_workload']

/** Names that can be chosen as a label: of fields, and `server_port`. */
export const labelNames: readonly string[] = [
  ...new Set(
    [...flowTable.fields, ...eventTable.fields]
      .filter(
        (field) => isGroupable(field) && field.kind !== 'counter' && field.name !== 'connection_id',
      )
      .map(({ name }) => name),
  ),
  serverPort,
]

/** The label of a field in a dialect. */
export function labelOf(field: string, dialect: MetricDialect): string {
  return words[dialect][field] ?? field
}
