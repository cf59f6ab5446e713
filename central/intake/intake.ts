// Everything that comes to central from others than agents.

import type { Component, Reporter } from '../../common/mod.ts'
import type { Endpoint, IntakeConfig } from './config.ts'
import { createFlowIntake, type FlowIntakeDeps } from './flows/flow-intake.ts'

export interface Intake extends Component {
  /** Where flows come in; only after start. */
  flowAddresses(): readonly Endpoint[]
}

export function createIntake(
  config: IntakeConfig,
  deps: FlowIntakeDeps,
  reporter: Reporter,
): Intake {
  const flows = createFlowIntake(config, deps, reporter.child('flow intake'))
  return {
    name: 'intake',
    start: flows.start,
    stop: flows.stop,
    flowAddresses: flows.addresses,
  }
}
