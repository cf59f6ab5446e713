// What becomes of datagrams and records, in the loss ledger (stage `intake`, a line per exporter, protocol and unit)
// and in /metrics.

import type { CounterHandle, Reporter } from '../../../common/mod.ts'
import type { CauseOf } from '../../../wire/mod.ts'
import type { StageLedger } from '../../ingest/stage-ledger.ts'
import type { FlowProtocol } from './streams.ts'

export type IntakeUnit = 'records' | 'datagrams'

export interface FlowLedger {
  came(node: string, protocol: FlowProtocol, unit: IntakeUnit, count: number): void
  left(node: string, protocol: FlowProtocol, unit: IntakeUnit, count: number): void
  /** Came, and goes no further. */
  leaveOut(place: IntakePlace, count: number, cause: CauseOf<'intake'>): void
  lose(place: IntakePlace, count: number, cause: CauseOf<'intake'>): void
  /** Datagrams that are nobody's. */
  readonly refused: CounterHandle
  readonly replacedTimes: CounterHandle
}

export interface IntakePlace {
  readonly node: string
  readonly protocol: FlowProtocol
  readonly unit: IntakeUnit
}

export function createFlowLedger(ledger: StageLedger, reporter: Reporter): FlowLedger {
  const datagrams = reporter.counter('datagrams_total', 'Datagrams of exporters, by protocol')
  const records = reporter.counter('records_total', 'Flow records of exporters, by protocol')
  const lost = reporter.counter('lost_total', 'Records and datagrams of exporters lost, by cause')
  const counters = { datagrams, records }
  const lineOf = (node: string, protocol: FlowProtocol, unit: IntakeUnit) =>
    ledger.ofIntake(protocol, unit, node)

  return {
    came: (node, protocol, unit, count) => {
      counters[unit].add(count, protocol)
      lineOf(node, protocol, unit).count('entered', count)
    },
    left: (node, protocol, unit, count) => lineOf(node, protocol, unit).count('left', count),
    leaveOut: ({ node, protocol, unit }, count, cause) => {
      lineOf(node, protocol, unit).count('entered', count)
      lineOf(node, protocol, unit).leaveOut(count, cause)
    },
    lose: ({ node, protocol, unit }, count, cause) => {
      lost.add(count, cause)
      lineOf(node, protocol, unit).count('entered', count)
      lineOf(node, protocol, unit).lose(count, cause)
    },
    refused: reporter.counter(
      'datagrams_refused_total',
      'Datagrams that belong to no exporter: not_allowed, streams_full, bad_datagram',
    ),
    replacedTimes: reporter.counter(
      'times_replaced_total',
      'Flow records whose own times could not be: they have the time at which they came',
    ),
  }
}
