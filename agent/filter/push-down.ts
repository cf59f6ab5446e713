// Which conditions of the agent's filter the kernel looks at itself. Only what can be left out there without changing
// a row that stays: a condition that every row must meet, about something that one end of a connection, or a packet, has.
// Which end that is does not matter to the kernel: a packet goes either way. The agent looks at the whole filter again.

import {
  type Condition,
  type ConditionField,
  type ConditionPrefix,
  conditionsMax,
  numberOctets,
  type ProbeOptions,
} from '../../kernel/mod.ts'
import {
  type AgentFilter,
  type Comparison,
  conditionsOf,
  type Filter,
  ipProtocols,
  isAddressRange,
  type Value,
} from '../../wire/mod.ts'
import { interpreterNames } from '../identity/process-name.ts'

/** Where one condition of a filter is looked at. */
export interface Pushed {
  readonly filter: Filter
  /** Of connections, by the probe socket. */
  readonly socket: Taken
  /** Of packets that were dropped, retransmits and resets, by the probe drop. */
  readonly drop: Taken
}

/** What the kernel is given, or why the agent alone looks at the condition. */
export type Taken =
  | { readonly condition: Condition; readonly why: '' }
  | { readonly condition?: undefined; readonly why: string }

/** One entry for each condition that every row must meet, in their order. */
export function pushDown({ flows, events }: AgentFilter): readonly Pushed[] {
  const ofEvents = conditionsOf(events)
  const sockets = createRoom()
  const drops = createRoom()
  return conditionsOf(flows).map((filter, index): Pushed => {
    const twin = ofEvents[index]
    return {
      filter,
      socket: sockets(ofConnections(filter, twin)),
      drop: drops(twin ? ofPackets(twin) : notOneOfAll),
    }
  })
}

/** What the probes are given. */
export function kernelConditions(
  filter: AgentFilter | undefined,
): Required<Pick<ProbeOptions, 'conditions' | 'packetConditions'>> {
  const pushed = filter ? pushDown(filter) : []
  const of = (probe: 'socket' | 'drop') =>
    pushed.flatMap((one) => (one[probe].condition ? [one[probe].condition] : []))
  return { conditions: of('socket'), packetConditions: of('drop') }
}

/** The programs of a probe have room for so many. */
function createRoom(): (found: Condition | string) => Taken {
  let taken = 0
  let values = 0
  return (found) => {
    if (typeof found === 'string') return { why: found }
    if (taken === conditionsMax || values + found.prefixes.length > valuesMax) {
      return { why: 'the kernel has room for 32 conditions with 1,024 values' }
    }
    taken++
    values += found.prefixes.length
    return { condition: found, why: '' }
  }
}

const valuesMax = 1024
/** Octets of a task's name, without the 0 behind it. */
const commMax = 15
const wholeBits = 128

const notOneOfAll = 'it is an or, or a not: the kernel takes what must hold of every row'
const notWhole = 'the kernel compares whole values alone'

/** The condition, or why it is none for the kernel. */
function ofConnections(filter: Filter, twin: Filter | undefined): Condition | string {
  if (filter.kind !== 'compare') return notOneOfAll
  const { fields, test } = filter
  if (test.kind !== 'in') return notWhole
  if (!hasSameFields(filter, twin)) {
    return 'of a packet that was dropped it says where that was, which may be apart from both ends; src_netns and dst_netns are those of the ends'
  }
  const name = fields[0].name.replace(sideOfName, '')
  return prefixesOf(name, test.values)
}

/** A row of a packet has the packet's own tuple; who its ends belong to, the agent finds out. */
function ofPackets(filter: Filter): Condition | string {
  if (filter.kind !== 'compare') return notOneOfAll
  const { fields, test } = filter
  if (test.kind !== 'in') return notWhole
  switch (fields[0].name) {
    case 'src_port':
    case 'dst_port':
      return ofNumbers('port', test.values)
    case 'src_address':
    case 'dst_address':
      return ofAddresses(test.values)
    case 'netns':
      return ofNumbers('netns', test.values)
    case 'protocol':
      return ofProtocols(test.values)
    default:
      return 'of a packet the kernel knows port, address, protocol and netns'
  }
}

const sideOfName = /^(?:src|dst)_/

function hasSameFields(filter: Comparison, twin: Filter | undefined): boolean {
  if (twin?.kind !== 'compare') return false
  return filter.fields.map(({ name }) => name).join() === twin.fields.map(({ name }) => name).join()
}

function prefixesOf(name: string, values: readonly Value[]): Condition | string {
  switch (name) {
    case 'port':
    case 'pid':
    case 'netns':
      return ofNumbers(name, values)
    case 'cgroup_id':
      return ofNumbers('cgroup', values)
    case 'address':
      return ofAddresses(values)
    case 'process':
      return ofNames(values.map(String))
    case 'protocol':
      return values.includes('tcp')
        ? 'all that the probe socket sees is TCP'
        : { field: 'port', prefixes: [] }
    default:
      return 'the kernel knows port, address, pid, process, cgroup_id, src_netns, dst_netns and protocol'
  }
}

function ofNumbers(
  field: Exclude<ConditionField, 'address' | 'process'>,
  values: readonly Value[],
): Condition | string {
  const numbers = values.map((value) => BigInt(value as number | bigint))
  if (numbers.includes(0n)) return '0 is also what is not known, and the agent may come to know it'
  const prefixes = numbers.map((value) => ({ octets: numberOctets(value), bits: wholeBits }))
  return { field, prefixes }
}

function ofAddresses(values: readonly Value[]): Condition {
  return { field: 'address', prefixes: values.filter(isAddressRange).map(prefixOfRange) }
}

/** What is no protocol of IP is none that the row of a packet can have. */
function ofProtocols(names: readonly Value[]): Condition | string {
  if (names.includes('')) return 'a protocol without a name is also what is not known'
  const numbers = names.map((name) => ipProtocols.indexOf(String(name))).filter((one) => one > 0)
  return ofNumbers('protocol', numbers)
}

/** From the first octet on, up to where first and last part: ranges come from prefixes. */
function prefixOfRange({ first, last }: { readonly first: Uint8Array; readonly last: Uint8Array }) {
  let bits = 0
  while (bits < wholeBits && bitAt(first, bits) === bitAt(last, bits)) bits++
  return { octets: first, bits }
}

function bitAt(octets: Uint8Array, bit: number): number {
  return ((octets[bit >> 3] as number) >> (7 - (bit & 7))) & 1
}

/** A script has its file's name, and its comm is that of the interpreter: these pass, whatever they run. */
function ofNames(names: readonly string[]): Condition | string {
  if (names.some((name) => !/^[\x20-\x7e]+$/.test(name))) {
    return 'the kernel compares printable ASCII names alone'
  }
  const whole = names.filter((name) => name.length <= commMax).map((name) => prefixOf(`${name}\0`))
  return { field: 'process', prefixes: [...whole, ...interpreterNames.map(prefixOf)] }
}

function prefixOf(text: string): ConditionPrefix {
  const octets = new Uint8Array(wholeBits / 8)
  octets.set(Buffer.from(text, 'latin1'))
  return { octets, bits: text.length * 8 }
}
