// Writes docs/reference/probes.md: what every probe of the registry hooks into, needs and counts.

import { probeSpecs } from '../kernel/probes/registry.ts'
import type { HookSpec, ProbeSpec } from '../kernel/probes/spec.ts'

const introduction = `# Probes

Generated from \`kernel/probes/registry.ts\` by \`npm run generate\`.

A program is loaded where the type information of the kernel (BTF) has the names it needs; the version beside them is
for people. A distribution's kernel may have them earlier. \`weir doctor\` shows what this host has, \`weir programs\` what runs.`

export function probesPage(specs: readonly ProbeSpec[] = probeSpecs): string {
  return `${[introduction, ...specs.map(section)].join('\n\n')}\n`
}

function section({ name, summary, ...spec }: ProbeSpec): string {
  const on = spec.default ? 'On by default.' : 'Opened when it is asked for.'
  return [
    `## ${name}`,
    `${summary} ${on}`,
    table(
      ['program', 'hook', 'for', 'from', 'needs in BTF', 'without it'],
      spec.hooks.map(hookRow),
    ),
    ...spec.degraded.map(
      ({ without, why, remedy }) =>
        `On a kernel without ${without.map((name) => `\`${name}\``).join(' or ')}: ${why}. Remedy: ${remedy}.`,
    ),
    table(
      ['counter', 'in the ledger', 'counts'],
      Object.entries(spec.counters).map(([counter, { means, help }]) => {
        return [`\`${counter}\``, means.join(', '), help]
      }),
    ),
    table(
      ['map', 'holds'],
      Object.entries(spec.maps).map(([map, holds]) => [`\`${map}\``, holds]),
    ),
  ].join('\n\n')
}

function hookRow({ program, hook, use, since, needs, instead }: HookSpec): readonly string[] {
  const without = instead ?? 'the probe cannot run'
  return [`\`${program}\``, `\`${hook}\``, use, `Linux ${since}`, list(needs), without]
}

function list(names: readonly string[]): string {
  return names.map((name) => `\`${name}\``).join(', ')
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`)
  return lines.join('\n')
}
