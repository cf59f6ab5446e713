// Who an end of a connection belongs to, written into the columns of one side of a row: the same for flows and events.

import type { FlowField, Interner } from '../../wire/mod.ts'
import { octet, recordOctets, recordWords, word } from '../drain/record.ts'
import type { Cgroups } from '../identity/cgroups.ts'
import type { Columns, EndColumns } from './columns.ts'
import { createEndNames } from './names.ts'

type OwnerField =
  | 'process'
  | 'pid'
  | 'uid'
  | 'netns'
  | 'process_source'
  | 'cgroup_id'
  | 'node'
  | 'workload'
  | 'unit'
  | 'container'

/** The columns of an end that say whose it is; those of `src` or of `dst`. */
export type OwnerColumns = Pick<EndColumns<Columns<FlowField>>, OwnerField>

/** Records of ends, one per slot. */
interface EndRecords {
  readonly words: Uint32Array
  readonly octets: Uint8Array
}

export interface EndWriter {
  /** The names of a batch; others after the batch began anew. */
  begin(names: Interner): void
  /** comm or interface name of 16 octets at a word, as an index of the names. */
  text(words: Uint32Array, at: number): number
  /** All that the record of this end says of its process. */
  end(to: OwnerColumns, row: number, slot: number): void
  /** Unit and container of the cgroup whose id stands at word `at`, and this node. */
  owner(to: OwnerColumns, row: number, words: Uint32Array, at: number): void
}

export interface EndWriterOptions {
  readonly node: string
  readonly cgroups: Cgroups
  /** Asked for at each row: the memory moves when it grows. */
  readonly ends: EndRecords
}

export function createEndWriter(
  { node, cgroups, ends }: EndWriterOptions,
  names: Interner,
): EndWriter {
  let interner = names
  let endNames = createEndNames(interner, cgroups)
  let nodeName = interner.index(node)

  function begin(fresh: Interner): void {
    if (fresh === interner) return
    interner = fresh
    endNames = createEndNames(interner, cgroups)
    nodeName = interner.index(node)
  }

  function end(to: OwnerColumns, row: number, slot: number): void {
    const { words, octets } = ends
    const at = slot * recordWords
    const source = octets[slot * recordOctets + octet.ownerSource] as number
    const process = endNames.process(words, at)
    to.process.values[row] = process
    to.workload.values[row] = process
    to.pid.values[row] = words[at + word.tgid] as number
    if (source !== 0) {
      to.uid.nulls[row] = 0
      to.uid.values[row] = words[at + word.uid] as number
    }
    to.netns.values[row] = words[at + word.netns] as number
    to.process_source.values[row] = endNames.source(source)
    owner(to, row, words, at + word.cgroup)
  }

  function owner(to: OwnerColumns, row: number, words: Uint32Array, at: number): void {
    const low = words[at] as number
    const high = words[at + 1] as number
    to.cgroup_id.values[row * 2] = low
    to.cgroup_id.values[row * 2 + 1] = high
    to.node.values[row] = nodeName
    const found = endNames.owner(low + high * 0x1_0000_0000)
    if (!found) return
    to.unit.values[row] = found.unit
    to.container.values[row] = found.container
    const group = found.unit || found.container
    if (group) to.workload.values[row] = group
  }

  return { begin, text: (words, at) => endNames.text(words, at), end, owner }
}
