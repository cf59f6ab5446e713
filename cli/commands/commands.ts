// All commands, in the order of help.

import { agentCommand } from './agent.ts'
import { centralCommand } from './central.ts'
import type { Command, Example } from './command.ts'
import { doctorCommand } from './doctor.ts'
import { flowsCommand } from './flows.ts'
import { ledgerCommand } from './ledger.ts'
import { topCommand } from './top.ts'
import { upCommand } from './up.ts'

export const commands: readonly Command[] = [
  upCommand,
  flowsCommand,
  topCommand,
  ledgerCommand,
  doctorCommand,
  agentCommand,
  centralCommand,
]

/** What `weir` alone suggests: each works on any Linux host with BTF, as root. */
export const firstExamples: readonly Example[] = [
  { command: 'weir up', what: 'measure this host, and open the page that it prints' },
  { command: 'weir flows --local -f', what: 'watch connections here, without a server' },
  { command: 'weir doctor', what: 'what this kernel allows, and what is missing' },
]
