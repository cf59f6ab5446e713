// `weir doctor`: what this host allows, which hooks are used and why, what is missing and how to get it.

import { doctorLines, type HostIntake, type HostReport, isHealthy } from '../render/doctor.ts'
import { escapedJson } from '../render/escape.ts'
import { findProcesses } from '../source/running.ts'
import { type Command, print, type Terminal, type Values } from './command.ts'
import { flowsInFlag } from './intake-flags.ts'
import { configFlag } from './process-flags.ts'

const unavailableExitCode = 69

export const doctorCommand: Command = {
  name: 'doctor',
  summary: 'Says what this kernel allows, which hooks are used, and what is missing.',
  description: `Works without privileges, too. Of the agents that run here it shows which interfaces they watch; where the configuration takes flows of routers, it looks at what they need as well. Ends with exit code ${unavailableExitCode} when a probe cannot run.`,
  flags: [
    {
      name: 'output',
      short: 'o',
      kind: 'choice',
      choices: ['table', 'json'],
      default: 'table',
      help: 'table for people, json for programs.',
    },
    configFlag,
    flowsInFlag,
  ],
  readsConfig: true,
  examples: [
    { command: 'weir doctor', what: 'this host' },
    { command: 'weir doctor -o json', what: 'the same for a program' },
  ],
  run: async (values, terminal) => {
    const { doctor } = await import('../../agent/mod.ts')
    const intake = await intakeOfHost(values)
    const report = { ...doctor(), agents: agentsOn(terminal), ...(intake ? { intake } : {}) }
    if (values.text('output') === 'json') print(terminal, escapedJson(report))
    else for (const line of doctorLines(report, terminal.columns)) print(terminal, line)
    return isHealthy(report) ? 0 : unavailableExitCode
  },
}

/** Undefined when no flows are taken. */
async function intakeOfHost(values: Values): Promise<HostIntake | undefined> {
  const flows = values.text(flowsInFlag.name)
  if (flows === undefined || flows === '') return undefined
  const { receiveBuffer, receiveRemedy } = await import('../../central/mod.ts')
  const buffer = receiveBuffer()
  return { flows, ...buffer, remedy: receiveRemedy(buffer) }
}

/** Agents that run on this host and watch interfaces. */
function agentsOn({ runtimeFolders }: Terminal): HostReport['agents'] {
  return findProcesses(runtimeFolders).flatMap(({ pid, interfaces = [] }) =>
    interfaces.length === 0 ? [] : [{ pid, interfaces }],
  )
}
