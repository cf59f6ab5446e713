// What the parameters of the eBPF network monitor mean over our rows.

import {
  allOf,
  equality,
  eventKinds,
  eventTable,
  type Field,
  type Filter,
  type Row,
} from '../../wire/mod.ts'

/** As the request has them; absent, or an empty text, = any. */
export interface MonitorFilters {
  readonly type?: string
  readonly pid?: number
  readonly command?: string
  readonly k8s_node_name?: string
  readonly k8s_pod_name?: string
  readonly k8s_namespace?: string
}

/** That monitor knows one event per connect() and accept(): a phase that is more than that is none of its. */
const isCall = anyOf([
  { kind: 'not', part: is('kind', 'connection') },
  is('phase', 'attempt'),
  allOf([is('phase', 'established'), is('observer', 'dst')]),
])

/** Whether it happened to the process at dst: the end that saw it, else the one that is known. */
const isAtDst = anyOf([is('observer', 'dst'), allOf([is('observer', ''), is('src_pid', '0')])])

export function monitorFilter(asked: MonitorFilters): Filter {
  const parts: Filter[] = [isCall]
  const { type, pid, command, k8s_node_name: node, k8s_pod_name: pod, k8s_namespace } = asked
  if (type !== undefined) parts.push(is('kind', kindOf(type)))
  if (pid !== undefined) parts.push(atItsEnd('pid', String(pid)))
  if (command) parts.push(atItsEnd('process', command))
  if (node) parts.push(is('node', node))
  if (pod) parts.push(atItsEnd('pod', pod))
  if (k8s_namespace) parts.push(atItsEnd('namespace', k8s_namespace))
  return allOf(parts)
}

/** The side whose process it happened to; the same rule as `isAtDst`. */
export function sideOf(row: Row): 'src' | 'dst' {
  const { observer, src_pid: pid } = row
  return observer === 'dst' || (observer === '' && pid === 0) ? 'dst' : 'src'
}

/** `connection` and `packet_drop` are kinds under another name. */
function kindOf(type: string): string {
  return eventKinds.find(({ monitorType }) => monitorType === type)?.name ?? type
}

function atItsEnd(name: string, value: string): Filter {
  const atSrc: Filter = { kind: 'not', part: isAtDst }
  return anyOf([
    allOf([isAtDst, is(`dst_${name}`, value)]),
    allOf([atSrc, is(`src_${name}`, value)]),
  ])
}

function is(name: string, value: string): Filter {
  const field = eventTable.fields.find((each) => each.name === name) as Field
  return equality([field], [value], 0n)
}

function anyOf(parts: readonly Filter[]): Filter {
  return { kind: 'or', parts }
}
