// Records of the probe `flow` as rows of view interface: what an interface carried, joined with the socket that sent or
// received it. Every place that packets passed has a row of its own with exact numbers; over the counted rows each
// packet of a conversation is there once, at the place that saw it first.

import type { InterfaceLinks, WatchedInterface } from '../../kernel/mod.ts'
import type { Batch } from '../../wire/mod.ts'
import type { Cgroups } from '../identity/cgroups.ts'
import type { Moment } from '../rows/moment.ts'
import type { Connections } from '../tcp/state.ts'
import { createConversations, mark, tupleWords, way } from './conversations.ts'
import { countingPoints } from './counting.ts'
import { createInterfaceRows, hasAddresses } from './interface-rows.ts'
import { createTupleIds, ordered, orient } from './orientation.ts'
import { joinSockets } from './sockets.ts'

/** The source whose records these are. */
export const flowSource = 'flow'

/** Since last taken; due = rows. */
export interface InterfaceCounts {
  readonly records: number
  readonly due: number
  readonly rows: number
}

export interface Interfaces {
  /** Whole records of the flow probe. */
  take(words: Uint32Array, count: number): void
  /** Names of the interfaces that records name by index. */
  know(watched: readonly WatchedInterface[]): void
  /** Before the stage enrich reports, which forgets connections that have ended. The batch is used again. */
  report(moment: Moment, emit: (batch: Batch) => void): void
  takeCounts(): InterfaceCounts
}

export interface InterfacesOptions {
  readonly node: string
  readonly state: Connections
  readonly cgroups: Cgroups
  /** Inode of the network namespace whose interfaces they are; 0 = that of the agent. */
  readonly netns?: number
  /** One packet in so many was counted. */
  readonly sampling?: number
}

/** The points at which packets of each way are counted. */
interface Counting {
  readonly ab: readonly number[]
  readonly ba: readonly number[]
}

/** After so long without a packet a conversation is forgotten. */
const idleMs = 120_000

export function createInterfaces(options: InterfacesOptions): Interfaces {
  const { node, state, netns = 0, sampling = 0 } = options
  const conversations = createConversations()
  const { table, points } = conversations
  const names = new Map<number, string>()
  const links = new Map<number, InterfaceLinks>()
  const rows = createInterfaceRows({ ...options, names, sampling })
  const nameTuple = createTupleIds(state, node)
  let counts = { records: 0, due: 0, rows: 0 }
  let isFirst = true

  function take(words: Uint32Array, count: number): void {
    counts.records += count
    counts.due += conversations.take(words, count)
  }

  function report(moment: Moment, emit: (batch: Batch) => void): void {
    if (conversations.touched.length > 0) {
      rows.begin(moment)
      joinSockets(conversations, state, netns)
      for (const conversation of conversations.touched) reportOne(conversation)
      counts.rows += rows.batch().length
      emit(rows.batch())
    }
    isFirst = false
    conversations.endInterval(moment.nowMs, moment.nowMs - idleMs)
  }

  function reportOne(conversation: number): void {
    const passed = ordered(points, conversations.touchedPoints(conversation))
    orient(conversations, conversation, passed, !isFirst)
    nameTuple(conversations, conversation, isAllHere(conversation))
    const path = passed.map((point) => points.interface[point] as number)
    const ab = countingPoints(conversations, conversation, passed, { goes: way.ab, links })
    const ba = countingPoints(conversations, conversation, passed, { goes: way.ba, links })
    let opened = isOpened(conversation)
    for (const point of passed) {
      for (const { ways, counted } of partsOf(point, { ab, ba })) {
        const isOpening: boolean = counted && opened
        rows.write(conversations, { conversation, point, path, ways, counted, opened: isOpening })
        if (isOpening) opened = false
      }
    }
  }

  /** One row, or two if one way is counted here and the other elsewhere. */
  function partsOf(point: number, { ab, ba }: Counting) {
    const isCounted = [ab.includes(point), ba.includes(point)]
    const has = [way.ab, way.ba].filter((goes) => (points.packets[point * 2 + goes] as number) > 0)
    const counted = has.filter((goes) => isCounted[goes])
    if (counted.length === 0 || counted.length === has.length) {
      return [{ ways: has, counted: counted.length > 0 }]
    }
    counts.due++
    const others = has.filter((goes) => !isCounted[goes])
    return [
      { ways: counted, counted: true },
      { ways: others, counted: false },
    ]
  }

  function isOpened(conversation: number): boolean {
    const wanted = mark.opening | mark.directionKnown
    return ((table.flags[conversation] as number) & wanted) === wanted
  }

  function isAllHere(conversation: number): boolean {
    const at = conversation * tupleWords
    if (!hasAddresses(table.tuple, conversation)) return true
    return state.locality.has(table.tuple, at) && state.locality.has(table.tuple, at + 4)
  }

  return {
    take,
    know: (watched) => {
      for (const { index, name, links: linked } of watched) {
        if (index === 0) continue
        names.set(index, name)
        if (linked !== undefined) links.set(index, linked)
      }
    },
    report,
    takeCounts: () => {
      const taken = counts
      counts = { records: 0, due: 0, rows: 0 }
      return taken
    },
  }
}
