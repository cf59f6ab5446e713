// The table of the configuration file: the flags with a key of every command that starts a process.

import { settingsOf } from '../parse/config.ts'
import { agentCommand } from './agent.ts'
import { centralCommand } from './central.ts'
import { upCommand } from './up.ts'

/** Commands that start a process, by which `weir config print` can be asked. */
export const processCommands = [upCommand, agentCommand, centralCommand]

const sections = ['agent', 'central', 'intake', 'retention', 'metrics', 'log']

/** Every key of the configuration file, once, with its flag. */
export const settings = settingsOf(
  processCommands
    .flatMap(({ flags }) => flags)
    .toSorted((a, b) => sectionRank(a.config) - sectionRank(b.config)),
)

/** Keys without a section come first. */
function sectionRank(key = ''): number {
  return sections.indexOf(key.split('.')[0] as string)
}
