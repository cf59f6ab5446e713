// All commands, in the order of help.

import { agentCommand } from './agent.ts'
import { captureCommand } from './capture.ts'
import { centralCommand } from './central.ts'
import type { CommandEntry } from './command.ts'
import { configCommands } from './config.ts'
import { doctorCommand } from './doctor.ts'
import { dropsCommand } from './drops.ts'
import { eventsCommand } from './events.ts'
import { explainCommand } from './explain.ts'
import { exportCommand } from './export.ts'
import { exportsCommand } from './exports.ts'
import { flowsCommand } from './flows.ts'
import { ledgerCommand } from './ledger.ts'
import { logCommand } from './log.ts'
import { metricsCommands } from './metrics.ts'
import { programsCommand } from './programs.ts'
import { replayCommand } from './replay.ts'
import { rulesCommands } from './rules.ts'
import { sidecarCommand } from './sidecar.ts'
import { topCommand } from './top.ts'
import { traceCommand } from './trace.ts'
import { upCommand } from './up.ts'
import { xdpCommands } from './xdp.ts'

export const commands: readonly CommandEntry[] = [
  upCommand,
  flowsCommand,
  topCommand,
  eventsCommand,
  dropsCommand,
  explainCommand,
  exportCommand,
  ledgerCommand,
  programsCommand,
  exportsCommand,
  replayCommand,
  xdpCommands,
  rulesCommands,
  logCommand,
  traceCommand,
  captureCommand,
  doctorCommand,
  agentCommand,
  centralCommand,
  sidecarCommand,
  metricsCommands,
  configCommands,
]
