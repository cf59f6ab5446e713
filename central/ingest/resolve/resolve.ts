// What central knows and no agent does, put into whole columns of rows before they are written: which of two nodes
// counts a connection, and who is at its far end. A segment that is written again after a crash says the same,
// because what was decided stands in the rows.

import { messageOf, type Reporter } from '../../../common/mod.ts'
import type { Reader, StoredRow } from '../../../store/mod.ts'
import {
  type Batch,
  type BlockEncoder,
  type BlockView,
  createBlockEncoder,
  createInterner,
  flowTable,
  readBlock,
  rewriteBlock,
  type Side,
} from '../../../wire/mod.ts'
import { farNames, readFarEnd, storedFarEnd, writeFarEnd } from './far-end.ts'
import { createPeers, type Peer, type Peers } from './peers.ts'
import { ways, waysOf } from './ways.ts'

/** A block on its way into a segment, and who sent it. */
export interface ResolvePart {
  readonly node: string
  readonly view: BlockView
}

export interface Resolved {
  /** One per part, in order. */
  readonly blocks: readonly BlockView[]
  /** By node: counted rows that now name both ends, and such that were written before that was possible. */
  readonly completed: ReadonlyMap<string, number>
  readonly late: ReadonlyMap<string, number>
}

export interface Resolve {
  /** The parts of one segment. Other tables than flows, and a fleet of one node, pass as they are. */
  parts(parts: readonly ResolvePart[]): Promise<Resolved>
}

export interface ResolveDeps {
  readonly reader: Pick<Reader, 'read'>
  /** Resolves when what was written before is in the store, or after a few seconds. */
  readonly settled: () => Promise<unknown>
  readonly log: Pick<Reporter['log'], 'error'>
}

const sweepEveryMs = 10_000
const none: ReadonlyMap<string, number> = new Map()

export function createResolve(deps: ResolveDeps, nowMs: () => number = Date.now): Resolve {
  const peers: Views = { socket: createPeers(nowMs), interface: createPeers(nowMs) }
  const encoder = createBlockEncoder()
  const nodes = new Set<string>()
  let sweptMs = nowMs()

  async function resolveParts(parts: readonly ResolvePart[]): Promise<Resolved> {
    const isFlows = parts[0]?.view.table === flowTable
    if (isFlows) await meet(parts)
    if (!isFlows || nodes.size < 2) {
      return { blocks: parts.map(({ view }) => view), completed: none, late: none }
    }
    if (nowMs() - sweptMs > sweepEveryMs) {
      sweptMs = nowMs()
      peers.socket.sweep()
      peers.interface.sweep()
    }
    return resolveSegment(parts)
  }

  /** With the second node begins what one alone does not need: what was decided before is in the store. */
  async function meet(parts: readonly ResolvePart[]): Promise<void> {
    const before = nodes.size
    for (const { node } of parts) nodes.add(node)
    if (before >= 2 || nodes.size < 2) return
    await deps.settled()
    // Without the store's answer a connection that is open now may change the node that counts it, once.
    await loadPeers(deps.reader, peers).catch((error) =>
      deps.log.error({ err: messageOf(error) }, 'reading which node counts open connections'),
    )
  }

  function resolveSegment(parts: readonly ResolvePart[]): Resolved {
    const halves = parts.map((part) => halvesOf(part, peers))
    choose(halves)
    const late = new Map<string, number>()
    const completed = new Map<string, number>()
    for (const part of halves) learn(part, late)
    const blocks = halves.map((part) => {
      const { block, rows } = rewritten(part, encoder)
      if (rows > 0) add(completed, part.part.node, rows)
      return block
    })
    return { blocks, completed, late }
  }

  return { parts: resolveParts }
}

/** The rows of one part of which only one end is seen by their node. */
interface Halves {
  readonly part: ResolvePart
  readonly rows: readonly Half[]
}

interface Half {
  readonly row: number
  /** The end that the row's node sees; undefined of packets that passed it (or of which it sees both ends). */
  readonly side: Side | undefined
  readonly peer: Peer
  /** Of view interface, where each direction is chosen for itself: the other direction of a row that has both. */
  readonly also: Peer | undefined
}

/**
 * Which node counts is chosen for each view: a node may see the packets of a connection and neither socket. A flood of
 * packets takes no place of sockets.
 */
interface Views {
  readonly socket: Peers
  readonly interface: Peers
}

function halvesOf(part: ResolvePart, peers: Views): Halves {
  const { node, view } = part
  const { columns, names } = readBlock(view, ['connection_id', 'observer', 'view'])
  const ids = columns['connection_id']?.values as Uint32Array
  const observers = columns['observer']?.values as Uint32Array
  const views = columns['view']?.values as Uint32Array
  const sides = new Map<number | undefined, Side>([
    [names.index('src'), 'src'],
    [names.index('dst'), 'dst'],
  ])
  const ofInterface = names.index('interface')
  const ofTrace = names.index('trace')
  let waysOfRow: ((row: number) => readonly number[]) | undefined
  const rows: Half[] = []
  for (let row = 0; row < view.rows; row++) {
    const side = sides.get(observers[row])
    const isInterface = views[row] === ofInterface
    if ((side === undefined && !isInterface) || views[row] === ofTrace) continue
    const [low, high] = [ids[row * 2] as number, ids[row * 2 + 1] as number]
    if (isInterface) waysOfRow ??= waysOf(view)
    const [way = 0, other] = isInterface && waysOfRow ? waysOfRow(row) : []
    const known = isInterface ? peers.interface : peers.socket
    const peer = known.of(low, (high ^ way) >>> 0, node)
    const also = other === undefined ? undefined : known.of(low, (high ^ other) >>> 0, node)
    if (peer) rows.push({ row, side, peer, also })
  }
  return { part, rows }
}

/** Of two halves that come together the initiator's counts; after that the choice stands. */
function choose(parts: readonly Halves[]): void {
  for (const { part, rows } of parts) {
    for (const { peer, also, side } of rows) {
      if (side !== 'src') continue
      if (!peer.settled) peer.node = part.node
      if (also && !also.settled) also.node = part.node
    }
  }
  for (const { part, rows } of parts) for (const row of rows) takeBoth(row, part.node)
  for (const { rows } of parts) {
    for (const { peer, also } of rows) {
      peer.settled = true
      if (also) also.settled = true
    }
  }
}

/**
 * A row with both directions counts whole or not at all. Of a node that counts one of them it takes the other, too:
 * else a direction that its row carries would count nowhere, or twice.
 */
function takeBoth({ peer, also }: Half, node: string): void {
  if (!also || (peer.node === node) === (also.node === node)) return
  peer.node = node
  also.node = node
}

/** Rows that do not count say who is at their end. */
function learn({ part, rows }: Halves, late: Map<string, number>): void {
  const others = rows.filter(({ peer }) => peer.node !== part.node)
  if (others.length === 0) return
  const batch = readBlock(part.view, [...farNames.src, ...farNames.dst])
  for (const { row, side, peer, also } of others) {
    if (side === undefined) continue
    if (!peer.far && peer.bare > 0) add(late, peer.node, peer.bare)
    peer.far = readFarEnd(batch, row, side)
    if (also) also.far = peer.far
  }
}

/** The part's block, and how many of its rows name both ends now. */
function rewritten(
  { part, rows }: Halves,
  encoder: BlockEncoder,
): { readonly block: BlockView; readonly rows: number } {
  const names = new Set<string>()
  let completed = 0
  let batch: Batch | undefined
  for (const { row, side, peer } of rows) {
    const isCounted = peer.node === part.node
    if (isCounted && side === undefined) continue
    if (isCounted && !peer.far) peer.bare++
    if (isCounted && !peer.far) continue
    batch ??= readBlock(part.view, ['counted', ...farNames.src, ...farNames.dst], createInterner())
    if (!isCounted || side === undefined) {
      ;(batch.columns['counted']?.values as Uint8Array)[row] = 0
      names.add('counted')
      continue
    }
    const far: Side = side === 'src' ? 'dst' : 'src'
    writeFarEnd(batch, row, far, peer.far as NonNullable<Peer['far']>)
    for (const name of farNames[far]) names.add(name)
    completed++
  }
  const block = batch ? rewriteBlock(part.view, encoder, { batch, names }) : part.view
  return { block, rows: completed }
}

function add(to: Map<string, number>, node: string, rows: number): void {
  to.set(node, (to.get(node) ?? 0) + rows)
}

/** What earlier segments decided of connections that may go on. */
async function loadPeers(reader: Pick<Reader, 'read'>, peers: Views): Promise<void> {
  const columns = [...farNames.src, ...farNames.dst].map((name) =>
    name.endsWith('_id') ? `toString(${name}) AS ${name}` : name,
  )
  const rows = await reader.read(
    `SELECT toString(connection_id) AS id, view, node, observer, counted, ${columns.join(', ')},
  packets > 0 AS _sends, (src_address, src_port) <= (dst_address, dst_port) AS _up,
  view = 'interface' AND _sends != (reverse_packets > 0) AS _single
FROM flows
WHERE time > now64(9) - INTERVAL 3 MINUTE AND view != 'trace'
  AND (observer IN ('src', 'dst') OR view = 'interface')
ORDER BY time DESC, counted DESC LIMIT 1 BY connection_id, view, node, _single, _sends = _up LIMIT 200000`,
    {},
    { resultRowsMax: 200_000 },
  )
  for (const row of rows.toSorted((a, b) => Number(b['counted']) - Number(a['counted']))) {
    const id = BigInt(String(row['id']))
    const node = String(row['node'])
    const known = row['view'] === 'interface' ? peers.interface : peers.socket
    const [low, high] = [Number(id & 0xffff_ffffn), Number(id >> 32n)]
    for (const way of storedWays(row)) {
      const peer = known.of(low, (high ^ way) >>> 0, node)
      if (!peer) continue
      peer.settled = true
      const { observer } = row
      if (Number(row['counted']) === 0 && (observer === 'src' || observer === 'dst'))
        peer.far = storedFarEnd(row, observer)
    }
  }
}

/** The same of a row of the store. */
function storedWays(row: StoredRow): readonly number[] {
  if (row['view'] !== 'interface') return [0]
  if (Number(row['_single']) === 0) return [ways.up, ways.down]
  return [Number(row['_up']) === Number(row['_sends']) ? ways.up : ways.down]
}
