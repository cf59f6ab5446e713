// The recipes of CONTRIBUTING as a person would follow them, with toys.

import { readFileSync } from 'node:fs'
import { flowTable } from '../../wire/mod.ts'
import type { Recipe } from './tree.ts'

const toy = (name: string) =>
  readFileSync(new URL(`toy-probe/${name}.txt`, import.meta.url), 'utf8')

/** A field of flows: one row of the table, the schema raised, its column filled. */
export const field: Recipe = {
  made: {},
  edits: [
    {
      file: 'wire/model/flow-fields.ts',
      before: "  ...endFields('src', 'initiator',",
      text: `  {
    name: 'mood',
    kind: 'u8',
    since: ${flowTable.schema + 1},
    codec: plain,
    label: 'Mood',
    help: 'How the connection feels: a toy.',
  },
`,
    },
    {
      file: 'wire/model/flow-fields.ts',
      before: `  schema: ${flowTable.schema},`,
      text: `  schema: ${flowTable.schema + 1},`,
      replace: true,
    },
    {
      file: 'agent/tcp/flow-rows.ts',
      before: '    columns.counted.values[row] = 1\n',
      text: '    columns.mood.values[row] = 7\n',
    },
  ],
}

/** A figure over flows: one row. */
export const figure: Recipe = {
  made: {},
  edits: [
    {
      file: 'wire/model/flow-metrics.ts',
      before: "  {\n    name: 'connections',",
      text: `  {
    name: 'resets',
    unit: 'connections',
    additive: true,
    label: 'Resets',
    help: 'Connections that a side reset. Counted when they end: a toy.',
    op: 'count',
    of: [],
    where: filterOf('end_reason in (reset_by_src, reset_by_dst)'),
    over: 'socket',
  },
`,
    },
  ],
}

/** A kind of row: its table, and one entry of the registry. */
export const table: Recipe = {
  made: {
    'wire/model/toy-fields.ts': `// A toy: rows that say something of nobody.

import type { Field, Table } from './field.ts'

const codec = 'ZSTD(1)'

const fields: readonly Field[] = [
  { name: 'time', kind: 'time', codec, label: 'Time', help: 'When it happened.' },
  { name: 'node', kind: 'name', codec, label: 'Node', help: 'Where it happened.' },
  { name: 'note', kind: 'text', codec, label: 'Note', help: 'What happened.' },
  { name: 'tags', kind: 'list', codec, label: 'Tags', help: 'Words for it.' },
]

/** Toy rows. */
export const toyTable: Table = {
  name: 'toys',
  number: 99,
  schema: 1,
  fields,
  derived: [],
  identity: ['node', 'note'],
  measured: true,
  partitionBy: 'toDate(time)',
  orderBy: 'node, time',
}
`,
  },
  edits: [
    {
      file: 'wire/model/tables.ts',
      before: 'readonly Table[] = [',
      text: 'readonly Table[] = [toyTable, ',
      replace: true,
    },
    {
      file: 'wire/model/tables.ts',
      before: "import { programTable } from './program-fields.ts'\n",
      text: "import { programTable } from './program-fields.ts'\nimport { toyTable } from './toy-fields.ts'\n",
      replace: true,
    },
  ],
}

/** A question about rows: one defineQuestion, and its place in the application. */
export const endpoint: Recipe = {
  made: {
    'api/routes/toy.ts': `// GET /api/toys: a toy.

import { readPrograms } from '../../store/query/mod.ts'
import { programTable } from '../../wire/mod.ts'
import { programsParameters, type RowsAnswer, rowsAnswer } from '../contract/mod.ts'
import { defineQuestion } from './define-question.ts'

export const toyRoute = defineQuestion<RowsAnswer>(programTable, {
  path: '/api/toys',
  summary: 'Programs, as a toy',
  tag: 'truth',
  parameters: programsParameters,
  answer: rowsAnswer,
  read: async (asked) => ({ rows: [...(await readPrograms(asked.reader, asked, asked.options))] }),
})
`,
  },
  edits: [
    { file: 'api/app.ts', before: '    programsRoute,\n', text: '    toyRoute,\n' },
    { file: 'api/reference.test.ts', before: "    '/health',\n", text: "    '/api/toys',\n" },
    {
      file: 'api/app.ts',
      before: "import { programsRoute } from './routes/programs.ts'\n",
      text: "import { toyRoute } from './routes/toy.ts'\n",
    },
  ],
}

/** A probe whose records are events of a kind of their own: its folder, one entry of the registry, one of the kinds. */
export const probe: Recipe = {
  made: {
    'kernel/probes/toy/README.md': toy('README.md'),
    'kernel/probes/toy/toy.bpf.c': toy('toy.bpf.c'),
    'kernel/probes/toy/spec.ts': toy('spec.ts'),
  },
  edits: [
    {
      file: 'kernel/probes/registry.ts',
      before: 'probeSpecs: readonly ProbeSpec[] = [',
      text: 'probeSpecs: readonly ProbeSpec[] = [toySpec, ',
      replace: true,
    },
    {
      file: 'kernel/probes/registry.ts',
      before: "import type { OpenProbe, ProbeOptions, ProbeSpec } from './spec.ts'\n",
      text: "import type { OpenProbe, ProbeOptions, ProbeSpec } from './spec.ts'\nimport { toySpec } from './toy/spec.ts'\n",
      replace: true,
    },
    {
      file: 'wire/model/event-kinds.ts',
      before: '] as const satisfies readonly EventKind[]',
      text: `  {
    name: 'toy',
    title: 'Toys',
    help: 'A change of the state of a TCP socket: a toy.',
    monitorType: 'toy',
    fields: ['reason', 'state'],
    columns: ['time', 'reason', 'state'],
    probes: ['toy'],
  },
`,
    },
  ],
}

/** A flag of a process that is also a key of weir.yaml: one record, and its place in the command. */
export const flag: Recipe = {
  made: {},
  edits: [
    {
      file: 'cli/commands/process-flags.ts',
      before: 'export const intervalFlag: Flag = {',
      text: `export const temperFlag: Flag = {
  name: 'temper',
  kind: 'choice',
  choices: ['calm', 'wild'],
  metavar: 'TEMPER',
  default: 'calm',
  config: 'agent.temper',
  help: 'How the agent feels: a toy.',
}

`,
    },
    {
      file: 'cli/commands/process-flags.ts',
      before: 'export const spoolFlags: readonly Flag[] = [\n',
      text: 'export const spoolFlags: readonly Flag[] = [\n  temperFlag,\n',
      replace: true,
    },
  ],
}

/** An error: one row of its folder's table. */
export const error: Recipe = {
  made: {},
  edits: [
    {
      file: 'cli/errors.ts',
      before: '  missing_value: {\n',
      text: `  bad_mood: {
    message: 'the mood is {mood}',
    status: 400,
    exitCode: 64,
    remedy: 'wait a moment: a toy',
  },
`,
    },
  ],
}
