// Everything that comes to central from others than agents.

import type { Component, Reporter } from '../../common/mod.ts'
import type { Endpoint, IntakeConfig } from './config.ts'
import { createFlowIntake, type FlowIntakeDeps } from './flows/flow-intake.ts'
import { createSpanIntake, type SpanIntake, type SpanIntakeDeps } from './spans/span-intake.ts'

export interface Intake extends Component {
  /** Where flows come in; only after start. */
  flowAddresses(): readonly Endpoint[]
  /** Where OTLP comes in; only after start. */
  otlpAddresses: SpanIntake['addresses']
}

export function createIntake(
  config: IntakeConfig,
  deps: FlowIntakeDeps & SpanIntakeDeps,
  reporter: Reporter,
): Intake {
  const flows = createFlowIntake(config, deps, reporter.child('flow intake'))
  const spans = createSpanIntake(config, deps, reporter.child('otlp intake'))
  return {
    name: 'intake',
    start: async () => {
      await flows.start()
      await spans.start()
    },
    stop: async () => {
      await spans.stop()
      await flows.stop()
    },
    flowAddresses: flows.addresses,
    otlpAddresses: spans.addresses,
  }
}

/** Whether spans may come, so that rows have to be compared with them. */
export function takesSpans({ otlpHttp, otlpGrpc }: IntakeConfig): boolean {
  return otlpHttp !== undefined || otlpGrpc !== undefined
}
