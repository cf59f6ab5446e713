// Rows of this machine without a server: the agent's stages in the command's own process.

import { hostname } from 'node:os'
import type { Component, Reporter } from '../../common/mod.ts'
import { createReporter } from '../../common/mod.ts'
import { type Batch, type Row, rowOf } from '../../wire/mod.ts'
import type { Flag, Terminal, Values } from '../commands/command.ts'
import { cliError } from '../errors.ts'
import type { KnownCoverage } from '../render/truth.ts'
import { predicateOf } from './predicate.ts'
import type { Question } from './server.ts'

export const localFlag: Flag = {
  name: 'local',
  short: 'l',
  kind: 'switch',
  help: 'This machine, without a server: probes run as long as the command does. Needs root.',
  group: 'Source',
}

/** What the agent offers to a command: batches of rows and of the ledger as they are made. */
export type OpenLocalAgent = (
  config: { readonly node: string; readonly intervalMs: number },
  reporter: Reporter,
  onBatch: (batch: Batch) => void,
) => Component

export interface Interval {
  readonly rows: readonly Row[]
  /** Of all intervals up to this one. */
  readonly coverage: KnownCoverage
}

export const localIntervalMs = 1000

/** Intervals that wait for a slow reader; older ones are dropped and counted as lost. */
const waitingMax = 32

/**
 * Yields the connections that live now at once, then what changed in each interval, until `ended`. Throws
 * what the agent throws: not root, no BTF, no libbpf.
 */
export async function* localIntervals(
  filters: Question,
  intervalMs: number,
  ended: AbortSignal,
  open: OpenLocalAgent,
): AsyncGenerator<Interval, void, void> {
  const matches = predicateOf(filters)
  const ledger = createLedger()
  const waiting: (readonly Row[])[] = []
  let wake: () => void = () => {}
  const onBatch = (batch: Batch): void => {
    if (batch.table.name === 'ledger') {
      ledger.add(batch)
      return
    }
    waiting.push(rowsOf(batch).filter(matches))
    if (waiting.length > waitingMax) ledger.lose('terminal_slow', waiting.shift()?.length ?? 0)
    wake()
  }
  const reporter = createReporter('weir', { level: 'silent' })
  const agent = open({ node: hostname(), intervalMs }, reporter, onBatch)
  ended.addEventListener('abort', () => wake(), { once: true })
  await agent.start()
  try {
    while (!ended.aborted || waiting.length > 0) {
      const rows = waiting.shift()
      if (rows) {
        ledger.keep(rows.length)
        yield { rows, coverage: ledger.coverage() }
      } else {
        await new Promise<void>((resolve) => {
          wake = resolve
        })
      }
    }
  } finally {
    await agent.stop()
  }
}

/** The agent itself; loaded only when it is asked for. */
export async function localAgent(): Promise<OpenLocalAgent> {
  const { createLocalAgent } = await import('../../agent/mod.ts')
  return createLocalAgent
}

function rowsOf(batch: Batch): readonly Row[] {
  return Array.from({ length: batch.length }, (_, index) => rowOf(batch, index))
}

/** Coverage from the agent's own ledger; unknown until one has come. */
function createLedger() {
  const lost = new Map<string, number>()
  let rows = 0
  let heard = false

  function lose(cause: string, count: number): void {
    if (count > 0) lost.set(cause, (lost.get(cause) ?? 0) + count)
  }

  return {
    lose,
    keep: (count: number): void => {
      rows += count
    },
    add: (batch: Batch): void => {
      heard = true
      for (const row of rowsOf(batch)) {
        if (row['cause'] !== '') lose(String(row['cause']), Number(row['lost']))
      }
    },
    coverage: (): KnownCoverage => {
      const sum = [...lost.values()].reduce((total, count) => total + count, 0)
      const known = heard || sum > 0
      const share = rows + sum === 0 ? 1 : rows / (rows + sum)
      return { share: known ? share : null, lost: Object.fromEntries(lost), gaps: [] }
    },
  }
}

/** Throws AppError bad_value when one of the flags is given beside the other. */
export function refuse(
  command: string,
  values: Values,
  names: readonly string[],
  beside: string,
): void {
  for (const name of names) {
    if (!values.given.includes(name)) continue
    const value = values.text(name) ?? ''
    const expected = `either it or ${beside}`
    throw cliError('bad_value', { details: { command, name: `--${name}`, value, expected } })
  }
}

/** Ends after `ms`, or when interrupted. */
export function endAfter(terminal: Terminal, ms: number): AbortSignal {
  return AbortSignal.any([terminal.interrupted(), AbortSignal.timeout(ms)])
}
