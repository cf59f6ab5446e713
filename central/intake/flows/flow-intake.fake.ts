// The intake on free ports of loopback, its rows in memory.

import { type CounterHandle, createReporter } from '../../../common/reporter/mod.ts'
import { type Row, readBlock, rowOf } from '../../../wire/mod.ts'
import { createStageLedger } from '../../ingest/stage-ledger.ts'
import { type IntakeConfig, intakeNothing } from '../config.ts'
import { createFlowIntake } from './flow-intake.ts'

export async function startFlowIntake(config: Partial<IntakeConfig> = {}) {
  const rows: Row[] = []
  const counters = new Map<string, CounterHandle>()
  const total = (name: string) => counters.get(`${name}_total`)?.total() ?? 0
  const ledger = createStageLedger(0n)
  const silent = createReporter('test', { level: 'silent' })
  const reporter = {
    ...silent,
    counter: (name: string, help: string) => {
      const counter = silent.counter(name, help)
      counters.set(name, counter)
      return counter
    },
  }
  const intake = createFlowIntake(
    { ...intakeNothing, flows: [{ host: '127.0.0.1', port: 0 }], ...config },
    {
      ledger,
      take: async (_, batch) => {
        for (let row = 0; row < batch.length; row++) rows.push(rowOf(batch, row))
      },
      reported: () => undefined,
      fleetKey: () => new Uint8Array(16),
    },
    reporter,
  )
  await intake.start()
  const { port = 0 } = intake.addresses()[0] ?? {}
  return {
    port,
    rows,
    stop: async () => intake.stop(),
    datagrams: () => total('datagrams'),
    records: () => total('records'),
    refused: () => total('datagrams_refused'),
    /** Rows of the ledger since the last call. */
    ledger: (): readonly Row[] => {
      const taken = ledger.take(1n)
      if (!taken) return []
      const batch = readBlock(taken.view)
      return Array.from({ length: batch.length }, (_, row) => rowOf(batch, row))
    },
  }
}
