// Which interfaces are watched, and how: flags of the commands that measure.

import type { Flag, Values } from '../commands/command.ts'

/** As the probe takes it; the choices are those of the kernel's door, which is not loaded for --help. */
const hooks = ['auto', 'tcx', 'clsact', 'socket-filter'] as const
type Hook = (typeof hooks)[number]

const patternHelp =
  'Counts every packet of these interfaces too: a name, a glob (eth*), all, or !NAME for one that is left out. Their rows are those of view interface.'

export const interfaceFlags: readonly Flag[] = [
  {
    name: 'interface',
    kind: 'text',
    metavar: 'NAME|GLOB|all|!NAME',
    repeatable: true,
    isList: true,
    env: 'WEIR_INTERFACES',
    config: 'agent.interfaces',
    expectation: (value) =>
      patternsOf([value]).every(isPattern)
        ? undefined
        : 'names of interfaces, globs, all, or !NAME',
    help: patternHelp,
    group: 'Interfaces',
  },
  {
    name: 'hook',
    kind: 'choice',
    choices: [...hooks],
    metavar: 'HOOK',
    default: 'auto',
    config: 'agent.hook',
    help: 'How packets of interfaces are seen: tcx (Linux 6.6), clsact, or socket-filter, which leaves traffic control alone. auto takes the first that is here.',
    group: 'Interfaces',
  },
  {
    name: 'sample',
    kind: 'number',
    metavar: 'N',
    default: '1',
    min: 1,
    max: 1_000_000,
    config: 'agent.sample',
    help: 'Counts one packet of interfaces in N; bytes and packets are then estimates, and marked as such.',
    group: 'Interfaces',
  },
]

/** For a command with --local, where `--interface` is a filter otherwise. */
export const localInterfaceFlags: readonly Flag[] = interfaceFlags
  .filter(({ name }) => name !== 'interface')
  .map(({ config: _, group: __, ...flag }) => ({ ...flag, group: 'Source' }))

/** Several may stand in one text, with commas between them. */
function patternsOf(texts: readonly string[]): readonly string[] {
  return texts.flatMap((text) => text.split(',')).map((pattern) => pattern.trim())
}

/** The kernel's names have 15 octets without spaces and slashes; a glob may be longer. */
function isPattern(text: string): boolean {
  return /^!?[^\s/!]{1,64}$/.test(text)
}

/** What those flags say, as options of the probe; nothing when no interface is named. */
export function interfacesOf(values: Values): {
  readonly interfaces?: readonly string[]
  readonly hook?: Hook
  readonly sample?: number
} {
  const interfaces = patternsOf(values.list('interface'))
  if (interfaces.length === 0) return {}
  return {
    interfaces,
    hook: hooks.find((hook) => hook === values.text('hook')) ?? 'auto',
    sample: values.number('sample') ?? 1,
  }
}
