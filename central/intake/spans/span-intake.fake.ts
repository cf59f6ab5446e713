// The listeners for spans on free ports of loopback, their rows in memory.

import { createReporter } from '../../../common/reporter/mod.ts'
import { type Row, rowOf } from '../../../wire/mod.ts'
import { createStageLedger } from '../../ingest/stage-ledger.ts'
import { createSpanIntake } from './span-intake.ts'
import { createTraces } from './traces.ts'

export interface SpanPlaces {
  readonly http: number
  readonly grpc: number
  readonly rows: Row[]
}

export async function withSpanIntake(work: (places: SpanPlaces) => Promise<void>): Promise<void> {
  const rows: Row[] = []
  const any = { host: '127.0.0.1', port: 0 }
  const intake = createSpanIntake(
    { otlpHttp: any, otlpGrpc: any },
    {
      ledger: createStageLedger(0n),
      traces: createTraces(),
      take: async (_, batch) => {
        for (let row = 0; row < batch.length; row++) rows.push(rowOf(batch, row))
      },
    },
    createReporter('test', { level: 'silent' }),
  )
  await intake.start()
  try {
    const { http, grpc } = intake.addresses()
    await work({ http: http?.port ?? 0, grpc: grpc?.port ?? 0, rows })
  } finally {
    await intake.stop()
  }
}
