// Who opened a conversation that belongs to no socket here, and its id.

import { flowFlag } from '../../kernel/mod.ts'
import { sipHash24 } from '../../wire/mod.ts'
import type { Connections } from '../tcp/state.ts'
import { type Conversations, isEarlier, mark, tuple, tupleWords, way } from './conversations.ts'

const tcp = 6

/** Once per connection. `isYoung`: whatever passes now for the first time has begun now. */
export function orient(
  { table, points }: Conversations,
  conversation: number,
  passed: readonly number[],
  isYoung: boolean,
): void {
  const flags = table.flags[conversation] as number
  if ((flags & mark.oriented) !== 0) return
  const opener = openerOf(points, passed)
  const isReversed = opener ?? inferred({ table, points }, conversation, passed, isYoung)
  const known = opener === undefined ? 0 : mark.directionKnown
  const reversed = isReversed === way.ba ? mark.reversed : 0
  table.flags[conversation] = flags | mark.oriented | known | reversed
}

/** Which way the opener sends, by SYN and SYN-ACK; undefined when neither, or both ends did. */
function openerOf(points: Conversations['points'], passed: readonly number[]): number | undefined {
  let [ab, ba] = [0, 0]
  for (const point of passed) {
    ab |= points.tcpFlags[point * 2 + way.ab] as number
    ba |= points.tcpFlags[point * 2 + way.ba] as number
  }
  const byA = ((ab & flowFlag.SYN) | (ba & flowFlag.SYN_ACK)) !== 0
  const byB = ((ba & flowFlag.SYN) | (ab & flowFlag.SYN_ACK)) !== 0
  if (byA === byB) return undefined
  return byA ? way.ab : way.ba
}

/** Who was heard first; of TCP, and of what may have begun earlier, the end with the larger port. */
function inferred(
  { table, points }: Pick<Conversations, 'table' | 'points'>,
  conversation: number,
  ...[passed, isYoung]: [readonly number[], boolean]
): number {
  const at = conversation * tupleWords
  const ports = table.tuple[at + tuple.ports] as number
  const [a, b] = [ports & 0xffff, ports >>> 16]
  const protocol = (table.tuple[at + tuple.kind] as number) & 0xff
  if ((protocol === tcp || !isYoung) && a !== b) return a > b ? way.ab : way.ba
  const [first = -1] = ordered(points, passed)
  return first < 0 ? way.ab : (points.firstWay[first] as number)
}

/** In the order in which their first packets passed. */
export function ordered(
  { first }: Conversations['points'],
  passed: readonly number[],
): readonly number[] {
  if (passed.length < 2) return passed
  return passed.toSorted((one, other) =>
    isEarlier(first, one * 2, first, other * 2)
      ? -1
      : isEarlier(first, other * 2, first, one * 2)
        ? 1
        : 0,
  )
}

/** A keyed hash of the tuple. What stays on this node may have the addresses of something on another one. */
export function createTupleIds(state: Connections, node: string) {
  const words = new Uint32Array(tupleWords + 4)
  words[words.length - 1] = ((words.length - 2) * 4) << 24
  const out = new Uint32Array(2)
  const salt = saltOf(node)

  return ({ table }: Conversations, conversation: number, staysHere: boolean): void => {
    if (((table.flags[conversation] as number) & mark.named) !== 0) return
    words.set(table.tuple.subarray(conversation * tupleWords, (conversation + 1) * tupleWords))
    words[tupleWords] = staysHere ? salt : 0
    words[tupleWords + 1] = staysHere ? 1 : 0
    sipHash24(state.key, words, out)
    table.id.set(out, conversation * 2)
    table.flags[conversation] = (table.flags[conversation] as number) | mark.named
  }
}

/** FNV-1a. */
function saltOf(node: string): number {
  let hash = 0x811c_9dc5
  for (const octet of Buffer.from(node)) hash = Math.imul(hash ^ octet, 0x0100_0193)
  return hash >>> 0
}
