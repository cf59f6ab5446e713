// Central's own part of the loss ledger: what its stages took, passed on, left out and lost, per node.
// Flow rows are counted; ledger rows and frames are not.

import {
  appendRow,
  type CauseOf,
  createBatch,
  createBlockCheck,
  createBlockEncoder,
  flowTable,
  ledgerTable,
} from '../../wire/mod.ts'
import type { Intake } from './frame-intake.ts'

export type CentralStage = 'wire' | 'intake' | 'ingest' | 'resolve' | 'segment' | 'store' | 'export'

export interface StageLedger extends TableLedger {
  /** Of another table than flows: its rows have lines of their own. */
  of(table: string): TableLedger
  /** The same counts for one export, which has lines of its own. */
  ofExport(name: string, table: string): ExportLine
  /** What comes from others than agents: a line for each protocol and unit of a node. */
  ofIntake(protocol: string, unit: 'records' | 'datagrams', node: string): IntakeLine
  /** What happened since the last call as rows of the ledger table; undefined when nothing did. */
  take(nowNs: bigint): Intake | undefined
}

/** Counts rows of one table. */
export interface TableLedger {
  /** Rows that came into a stage, or went on from it. */
  count(node: string, stage: CentralStage, name: 'entered' | 'left', rows: number): void
  /** Rows that a stage does not pass on: they are there already. */
  leaveOut<S extends CentralStage>(node: string, stage: S, rows: number, cause: CauseOf<S>): void
  /** Rows that are gone. */
  lose<S extends CentralStage>(node: string, stage: S, rows: number, cause: CauseOf<S>): void
  /** Rows that wait in a stage: by how many more or fewer. */
  wait(node: string, stage: CentralStage, rows: number): void
}

/** Counts rows of one table that one export has. */
export interface ExportLine {
  count(node: string, name: 'entered' | 'left', rows: number): void
  leaveOut(node: string, rows: number, cause: CauseOf<'export'>): void
  lose(node: string, rows: number, cause: CauseOf<'export'>): void
  wait(node: string, rows: number): void
}

/** Counts what one node sends by one protocol. */
export interface IntakeLine {
  count(name: 'entered' | 'left', count: number): void
  leaveOut(count: number, cause: CauseOf<'intake'>): void
  lose(count: number, cause: CauseOf<'intake'>): void
}

/** Which line of a node: the stage, the table unless it is flows, of exports and of others than agents whose. */
interface Line {
  readonly stage: CentralStage
  readonly probe?: string
  readonly table?: string
  readonly unit?: string
}

interface Counts {
  readonly line: Line
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
  const nodes = new Map<string, Map<string, Counts>>()
  const encoder = createBlockEncoder()
  const check = createBlockCheck(ledgerTable)
  let sinceNs = startNs

  function countsOf(node: string, line: Line): Counts {
    const key = `${line.stage} ${line.probe ?? ''} ${line.table ?? ''} ${line.unit ?? ''}`
    const lines = nodes.get(node) ?? new Map<string, Counts>()
    nodes.set(node, lines)
    const counts = lines.get(key) ?? emptyCounts(line)
    lines.set(key, counts)
    counts.changed = true
    return counts
  }

  function addCause(
    counts: Counts,
    name: 'filtered' | 'lost',
    { rows, cause }: { readonly rows: number; readonly cause: string },
  ): void {
    counts[name] += rows
    const byCause = counts.causes.get(cause) ?? { filtered: 0, lost: 0 }
    byCause[name] += rows
    counts.causes.set(cause, byCause)
  }

  function of(name: string): TableLedger {
    const table = name === flowTable.name ? {} : { table: name }
    return {
      count: (node, stage, name, rows) => {
        countsOf(node, { stage, ...table })[name] += rows
      },
      leaveOut: (node, stage, rows, cause) => {
        addCause(countsOf(node, { stage, ...table }), 'filtered', { rows, cause })
      },
      lose: (node, stage, rows, cause) => {
        addCause(countsOf(node, { stage, ...table }), 'lost', { rows, cause })
      },
      wait: (node, stage, rows) => {
        countsOf(node, { stage, ...table }).waiting += rows
      },
    }
  }

  function ofExport(probe: string, table: string): ExportLine {
    const line = { stage: 'export', probe, table } as const
    return {
      count: (node, name, rows) => {
        countsOf(node, line)[name] += rows
      },
      leaveOut: (node, rows, cause) => addCause(countsOf(node, line), 'filtered', { rows, cause }),
      lose: (node, rows, cause) => addCause(countsOf(node, line), 'lost', { rows, cause }),
      wait: (node, rows) => {
        countsOf(node, line).waiting += rows
      },
    }
  }

  function ofIntake(probe: string, unit: string, node: string): IntakeLine {
    const line = { stage: 'intake', probe, unit } as const
    return {
      count: (name, count) => {
        countsOf(node, line)[name] += count
      },
      leaveOut: (rows, cause) => addCause(countsOf(node, line), 'filtered', { rows, cause }),
      lose: (rows, cause) => addCause(countsOf(node, line), 'lost', { rows, cause }),
    }
  }

  function take(nowNs: bigint): Intake | undefined {
    const interval = { time: nowNs, start: sinceNs, unit }
    sinceNs = nowNs
    const batch = createBatch(ledgerTable, capacity())
    for (const [node, lines] of nodes) {
      for (const [key, counts] of lines) {
        if (!counts.changed) continue
        const { line, entered, left, filtered, lost, waiting } = counts
        const place = { ...interval, node, ...line }
        appendRow(batch, { ...place, entered, left, filtered, lost, waiting })
        for (const [cause, some] of counts.causes) appendRow(batch, { ...place, cause, ...some })
        lines.set(key, { ...emptyCounts(line), waiting })
      }
      if ([...lines.values()].every(isAtRest)) nodes.delete(node)
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

  return { ...of(flowTable.name), of, ofExport, ofIntake, take }
}

function emptyCounts(line: Line): Counts {
  return {
    line,
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
