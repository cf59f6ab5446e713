// `weir doctor`: what this host allows, which hooks are used and why, what is missing and how to get it.

import { doctorLines, isHealthy } from '../render/doctor.ts'
import { escapedJson } from '../render/escape.ts'
import { type Command, print } from './command.ts'

const unavailableExitCode = 69

export const doctorCommand: Command = {
  name: 'doctor',
  summary: 'Says what this kernel allows, which hooks are used, and what is missing.',
  description: `Works without privileges, too. Ends with exit code ${unavailableExitCode} when a probe cannot run.`,
  flags: [
    {
      name: 'output',
      short: 'o',
      kind: 'choice',
      choices: ['table', 'json'],
      default: 'table',
      help: 'table for people, json for programs.',
    },
  ],
  examples: [
    { command: 'weir doctor', what: 'this host' },
    { command: 'weir doctor -o json', what: 'the same for a program' },
  ],
  run: async (values, terminal) => {
    const { doctor } = await import('../../agent/mod.ts')
    const report = doctor()
    if (values.text('output') === 'json') print(terminal, escapedJson(report))
    else for (const line of doctorLines(report, terminal.columns)) print(terminal, line)
    return isHealthy(report) ? 0 : unavailableExitCode
  },
}
