// Which settings of the probes can express a condition. Whether they may be used without changing the rows is another
// question: the kernel looks at one socket, a row has both ends.

import type { Filter, Value } from './filter.ts'

/** A setting of the probes (kernel/include/selection.h) that leaves in everything the condition is true of at one end. */
export interface KernelSelection {
  readonly option: 'ports' | 'netns' | 'cgroup' | 'pid' | 'process_name'
  readonly values: readonly (string | number)[]
  /** Probes that read the setting. */
  readonly probes: readonly string[]
  /** Flags that set it. */
  readonly flags: string
  /** Why a filter does not set it by itself. */
  readonly why: string
}

/** Ports that the programs can compare with. */
const portsMax = 8
/** Octets of a task's name. */
const commMax = 15

const oneSocket =
  'it selects single sockets, and would take the far end of the connection out of the row'
const translated = 'where addresses are translated, the two ends of a connection have other ports'

/** Undefined when no setting can express the condition. */
export function kernelSelectionOf(filter: Filter): KernelSelection | undefined {
  if (filter.kind !== 'compare' || filter.test.kind !== 'in') return undefined
  const name = filter.fields[0].name.replace(/^(?:src|dst)_/, '')
  const { values } = filter.test
  const shown = values.map(shownValue)
  if (name === 'port') {
    if (values.length > portsMax || values.includes(0)) return undefined
    const flags = 'weir sidecar --ports'
    return { option: 'ports', values: shown, probes: ['socket'], flags, why: translated }
  }
  if (values.length !== 1) return undefined
  return ofOneValue(name, values[0] as Value, shown)
}

function ofOneValue(
  name: string,
  value: Value,
  values: readonly (string | number)[],
): KernelSelection | undefined {
  const why = oneSocket
  switch (name) {
    case 'netns':
      return {
        option: 'netns',
        values,
        probes: ['socket', 'drop'],
        flags: 'weir agent --netns',
        why,
      }
    case 'cgroup_id':
      return {
        option: 'cgroup',
        values,
        probes: ['socket', 'drop'],
        flags: 'weir agent --cgroup',
        why,
      }
    case 'pid':
      return { option: 'pid', values, probes: ['socket'], flags: 'weir sidecar --pid', why }
    case 'process': {
      const text = String(value)
      if (text === '' || Buffer.byteLength(text) > commMax) return undefined
      const flags = 'weir sidecar --process-name'
      return { option: 'process_name', values, probes: ['socket'], flags, why }
    }
    default:
      return undefined
  }
}

function shownValue(value: Value): string | number {
  return typeof value === 'number' ? value : String(value)
}
