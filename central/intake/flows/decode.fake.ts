// A decoder whose rows and counts a test can read.

import { type Row, rowOf } from '../../../wire/mod.ts'
import { createDecoder } from './decode.ts'
import { createFlowRows } from './rows.ts'
import type { StreamLimits } from './streams.ts'

export interface FakeDecoder {
  take(octets: Uint8Array, from?: { address?: string; port?: number; connection?: number }): void
  /** All that is waited for does not come any more. */
  end(): void
  rows(): readonly Row[]
  readonly counts: Record<string, number>
  readonly waitingBytes: () => number
  readonly streams: () => number
  closed(connection: number): void
}

export function fakeDecoder(limits?: StreamLimits): FakeDecoder {
  const rows = createFlowRows(Uint32Array.of(1, 2, 3, 4))
  const counts: Record<string, number> = {}
  const count = (name: string, number = 1) => {
    counts[name] = (counts[name] ?? 0) + number
  }
  const decoder = createDecoder(
    {
      flow: (stream, record, clock) => {
        const outcome = rows.add(record, { stream, node: stream.address, sampling: 0, clock })
        count(outcome)
      },
      notFlows: (_, records) => count('notFlows', records),
      withoutTemplate: (_, sets) => count('withoutTemplate', sets),
      notSampled: (_, samples) => count('notSampled', samples),
      datagram: (_, verdict) => count(verdict),
      refused: (_, cause) => count(`refused ${cause}`),
      missing: (_, numbers) => count('missing', numbers),
    },
    limits,
  )
  return {
    take: (octets, { address = '192.0.2.9', port = 1, connection = 0 } = {}) =>
      decoder.take(octets, { address, port, connection }, Date.now()),
    end: () => decoder.tick(Date.now() + 6_000),
    rows: () =>
      rows
        .take()
        .flatMap(({ batch }) =>
          Array.from({ length: batch.length }, (_, row) => rowOf(batch, row)),
        ),
    counts,
    waitingBytes: decoder.streams.waitingBytes,
    streams: () => [...decoder.streams.all()].length,
    closed: decoder.closed,
  }
}
