// The enrich stage driven by hand: one interval at a time, records in, rows out. For tests.

import { type Row, rowOf } from '../../wire/mod.ts'
import { type FakeSocket, fakeRecords } from '../drain/fake.ts'
import { momentOf } from '../rows/moment.ts'
import { createEnrich, type EnrichOptions } from './enrich.ts'

export const second = 1_000_000_000
export const bootToWallNs = 1_700_000_000_000_000_000n
/** Boot nanoseconds of the first report: an hour after boot. */
export const hour = 3600 * second

/** Both ends of one connection over loopback. */
export const client: FakeSocket = {
  cookie: 1,
  start: hour - second,
  pair: [100, 200],
  role: 'initiator',
  flags: 1,
  local: ['127.0.0.1', 40_000],
  remote: ['127.0.0.1', 80],
  tgid: 10,
  comm: 'curl',
  ownerSource: 4,
  interface: 'lo',
  srtt: 50,
}
export const server: FakeSocket = {
  ...client,
  cookie: 2,
  role: 'responder',
  local: ['127.0.0.1', 80],
  remote: ['127.0.0.1', 40_000],
  tgid: 20,
  comm: 'nginx',
}

/** What one interval has; `atNs` is its end, 5 s after the one before if not said. */
export interface Step {
  readonly live?: readonly FakeSocket[]
  readonly closed?: readonly FakeSocket[]
  readonly complete?: boolean
  readonly atNs?: number
  readonly last?: boolean
}

export function fakeAgent(options: Partial<EnrichOptions> = {}) {
  const own = { tgids: new Set<number>(), upstream: undefined }
  const key = Uint8Array.from({ length: 16 }, (_, index) => index)
  const enrich = createEnrich({ node: 'n', key, cgroupRoot: '', own, ...options })
  let clock = hour

  /** One interval: a snapshot, the ring, the rows. */
  function step({ live = [], closed = [], complete = false, atNs, last = false }: Step): Row[] {
    clock = atNs ?? clock + 5 * second
    enrich.beginSnapshot()
    enrich.take(fakeRecords(live.map((socket) => ({ time: clock, ...socket }))), live.length)
    const ended = closed.map((socket) => ({ time: clock, ...socket, kind: 'closed' as const }))
    enrich.take(fakeRecords(ended), closed.length)
    enrich.endSnapshot(complete)
    const nowMs = Number((BigInt(clock) + bootToWallNs) / 1_000_000n)
    const rows: Row[] = []
    enrich.report(momentOf(nowMs, { bootToWallNs, intervalMs: 5000, last }), (batch) => {
      for (let row = 0; row < batch.length; row++) rows.push(rowOf(batch, row))
    })
    return rows
  }

  return { step, enrich }
}
