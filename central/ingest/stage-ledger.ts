// Central's own part of the loss ledger: what its stages took, passed on, left out and lost, per node.
// Flow rows are counted; ledger rows and frames are not.

import {
  appendRow,
  type CauseOf,
  createBatch,
  createBlockCheck,
  createBlockEncoder,
  ledgerTable,
} from '../../wire/mod.ts'
import type { Intake } from './frame-intake.ts'

export type CentralStage = 'wire' | 'ingest' | 'resolve' | 'segment' | 'store'

export interface StageLedger {
  /** Rows that came into a stage, or went on from it. */
  count(node: string, stage: CentralStage, name: 'entered' | 'left', rows: number): void
  /** Rows that a stage does not pass on: they are there already. */
  leaveOut<S extends CentralStage>(node: string, stage: S, rows: number, cause: CauseOf<S>): void
  /** Rows that are gone. */
  lose<S extends CentralStage>(node: string, stage: S, rows: number, cause: CauseOf<S>): void
  /** Rows that wait in a stage: by how many more or fewer. */
  wait(node: string, stage: CentralStage, rows: number): void
  /** What happened since the last call as rows of the ledger table; undefined when nothing did. */
  take(nowNs: bigint): Intake | undefined
}

interface Counts {
  entered: number
  left: number
  filtered: number
  lost: number
  waiting: number
  changed: boolean
  /** `filtered` or `lost` by cause. */
  readonly causes: Map<string, { filtered: number; lost: number }>
}

const unit = 'rows'

export function createStageLedger(startNs: bigint): StageLedger {
  const nodes = new Map<string, Map<CentralStage, Counts>>()
  const encoder = createBlockEncoder()
  const check = createBlockCheck(ledgerTable)
  let sinceNs = startNs

  function countsOf(node: string, stage: CentralStage): Counts {
    const stages = nodes.get(node) ?? new Map<CentralStage, Counts>()
    nodes.set(node, stages)
    const counts = stages.get(stage) ?? emptyCounts()
    stages.set(stage, counts)
    counts.changed = true
    return counts
  }

  function count(node: string, stage: CentralStage, name: 'entered' | 'left', rows: number) {
    countsOf(node, stage)[name] += rows
  }

  function addCause(name: 'filtered' | 'lost') {
    return (node: string, stage: CentralStage, rows: number, cause: string) => {
      const counts = countsOf(node, stage)
      counts[name] += rows
      const byCause = counts.causes.get(cause) ?? { filtered: 0, lost: 0 }
      byCause[name] += rows
      counts.causes.set(cause, byCause)
    }
  }

  function wait(node: string, stage: CentralStage, rows: number): void {
    countsOf(node, stage).waiting += rows
  }

  function take(nowNs: bigint): Intake | undefined {
    const interval = { time: nowNs, start: sinceNs, unit }
    sinceNs = nowNs
    const batch = createBatch(ledgerTable, capacity())
    for (const [node, stages] of nodes) {
      for (const [stage, counts] of stages) {
        if (!counts.changed) continue
        const { entered, left, filtered, lost, waiting } = counts
        const place = { ...interval, node, stage }
        appendRow(batch, { ...place, entered, left, filtered, lost, waiting })
        for (const [cause, some] of counts.causes) appendRow(batch, { ...place, cause, ...some })
        stages.set(stage, { ...emptyCounts(), waiting })
      }
      if ([...stages.values()].every(isAtRest)) nodes.delete(node)
    }
    if (batch.length === 0) return undefined
    const times = { timeMin: nowNs, timeMax: nowNs }
    const rows = batch.length
    const view = check(Uint8Array.from(encoder.encode(batch)), { rows, ...times })
    return { table: ledgerTable, node: '', rows, ...times, view, frame: undefined }
  }

  function capacity(): number {
    let rows = 1
    for (const stages of nodes.values()) {
      for (const counts of stages.values()) rows += 1 + counts.causes.size
    }
    return rows
  }

  return { count, leaveOut: addCause('filtered'), lose: addCause('lost'), wait, take }
}

function emptyCounts(): Counts {
  return {
    entered: 0,
    left: 0,
    filtered: 0,
    lost: 0,
    waiting: 0,
    changed: false,
    causes: new Map(),
  }
}

function isAtRest(counts: Counts): boolean {
  return !counts.changed && counts.waiting === 0
}
