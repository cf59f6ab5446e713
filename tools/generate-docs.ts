// Writes the reference pages that are made from tables of the code: commands and errors.
//
//   node tools/generate-docs.ts          (part of npm run generate)

import { globSync, mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Command, commandsOf, type Flag } from '../cli/commands/command.ts'
import { commands } from '../cli/commands/commands.ts'
import { processCommands, settings } from '../cli/commands/settings.ts'
import { flagsOf, metavarOf } from '../cli/parse/arguments.ts'
import { exportKeys } from '../cli/parse/exports.ts'
import { explanation, synopsis, usageOf } from '../cli/render/help.ts'
import type { ErrorRow, ErrorTable } from '../common/mod.ts'
import { type LedgerCause, ledgerCauses } from '../wire/mod.ts'
import { metricsPage } from './generate-metrics-page.ts'
import { probesPage } from './generate-probes-page.ts'

const home = fileURLToPath(new URL('..', import.meta.url))

export interface Page {
  /** Below the root of the repository. */
  readonly path: string
  readonly text: string
}

/** All generated pages, as they should be on the disk. */
export async function pages(): Promise<readonly Page[]> {
  return [
    { path: 'docs/reference/cli.md', text: cliPage() },
    { path: 'docs/reference/config.md', text: configPage() },
    { path: 'docs/reference/errors.md', text: errorsPage(await errorTables()) },
    { path: 'docs/reference/ledger.md', text: ledgerPage() },
    { path: 'docs/reference/metrics.md', text: metricsPage() },
    { path: 'docs/reference/probes.md', text: probesPage() },
  ]
}

function ledgerPage(): string {
  const rows = Object.entries(ledgerCauses).flatMap(([stage, causes]) =>
    Object.entries<LedgerCause>(causes).map(
      ([cause, { as, help }]) => `| ${stage} | ${as} | \`${cause}\` | ${help} |`,
    ),
  )
  const head = '| stage | counted as | cause | what happened |\n| --- | --- | --- | --- |'
  return `${ledgerIntroduction}\n\n${head}\n${rows.join('\n')}\n`
}

const ledgerIntroduction = `# Causes of the ledger

Generated from \`wire/model/causes.ts\` by \`npm run generate\`.

Every stage counts what enters it and what becomes of it: in = out + filtered + sampled + lost + what waiting rose by.
What is filtered or lost has one of these causes, and so has what went on with something to be known of it (left); \`weir ledger\` and \`GET /api/ledger\` show them.`

const cliIntroduction = `# Commands

Generated from \`cli/commands/\` by \`npm run generate\`.

Results go to standard output, everything about them to standard error. Every listing ends with one line of truth:
rows, range, and the coverage: the share of what is known to have happened that the answer holds. Less than 100 %
names what was lost; the coverage is rounded down, so 100 % means all of it.

A table is for people: it fits the terminal, volumes are SI bytes, rates bit/s, three significant digits, counts below
10 000 exact, times relative up to an hour and then the clock. \`--output json\`, \`ndjson\`, \`csv\` are for programs:
field names and raw units, times in RFC 3339. Control characters and bidi overrides in names from outside are shown
as escapes, \`\\x1b\` or \`\\u{202e}\`; in JSON they are JSON's own escapes.

Colour is used on a terminal alone, and not with \`NO_COLOR\`. Ctrl-C ends within half a second, a closed pipe quietly.
Exit codes stand in [errors.md](errors.md).`

function cliPage(): string {
  return `${[cliIntroduction, ...commandsOf(commands).map(commandSection)].join('\n\n')}\n`
}

const configIntroduction = `# Configuration

Generated from \`cli/commands/process-flags.ts\` by \`npm run generate\`.

\`weir up\`, \`weir agent\` and \`weir central\` read one file, in YAML: the one that \`--config\` names, else \`WEIR_CONFIG\`, else
\`/etc/weir/weir.yaml\` if it exists. One file serves all three; each takes what concerns it. A flag is stronger than a
variable of the environment, that than the file, and the file than the default.

Values are written as at the flag: times \`250ms\`, \`1h30m\`, \`30d\`; sizes \`500MB\` (1000), \`10GiB\` (1024). A key that does not
exist, a value that is wrong and a key without a value end the start with the line and the column. A process reads the file when it starts; after a change, start it again.

- \`weir config check FILE\` says every mistake, with exit code 64 when there is one.
- \`weir config print\` shows every setting, its value, and where it comes from; its answer is a configuration file itself.

A file:

\`\`\`yaml
data: /var/lib/weir
agent:
  node: alpha
  interval: 5s
central:
  listen: 127.0.0.1:8080
retention:
  age: 30d
  bytes: 10GiB
  tables:
    ledger:
      age: 7d
\`\`\``

function configPage(): string {
  const rows = settings.map((flag) => {
    const ways = flag.fileOnly ? '' : [`--${flag.name}`, flag.env].filter(Boolean)
    const shown = flag.default === undefined ? '' : code(flag.default)
    const value = flag.kind === 'switch' ? 'true|false' : metavarOf(flag)
    const flags = ways === '' ? '' : ways.map((way) => code(way ?? '')).join(', ')
    const users = processCommands.filter(({ flags }) => flags.some((one) => one.name === flag.name))
    const who = users.map(({ name }) => name).join(', ')
    const cells = [code(flag.config ?? ''), code(value), shown, flags, who, plain(flag.help)]
    return `| ${cells.join(' | ')} |`
  })
  const head =
    '| key | value | default | flag, environment | read by | what |\n| --- | --- | --- | --- | --- | --- |'
  const keys = `Keys:\n\n${head}\n${rows.join('\n')}\n\n${configEnd}`
  return `${configIntroduction}\n\n${keys}\n\n${exportsSection()}\n`
}

function exportsSection(): string {
  const rows = exportKeys.map((key) => {
    const value = key.isList ? 'list' : metavarOf(key)
    const cells = [code(key.config), code(value), key.kinds?.join(', ') ?? '', plain(key.help)]
    return `| ${cells.join(' | ')} |`
  })
  const head = '| key | value | of kind | what |\n| --- | --- | --- | --- |'
  return `${exportsIntroduction}\n\n${head}\n${rows.join('\n')}`
}

const exportsIntroduction = `## Exports

\`exports\` is a list: each entry sends rows to one receiver, beside the store. \`weir exports\` shows how far each is.

\`\`\`yaml
exports:
  - name: warehouse
    kind: postgresql
    dsn: postgresql://weir:PASSWORD@db.example:5432/net
    filter: not dst_namespace = monitoring
\`\`\``

const configEnd =
  'The default of a key is that of `weir up`; `weir config print agent` and `weir config print central` show theirs.'

function code(text: string): string {
  return `\`${text.replaceAll('|', '\\|')}\``
}

function commandSection(command: Command): string {
  const flags = flagsOf(command)
  const groups = [...new Set(flags.map((flag) => flag.group))]
  const description = command.description ? [command.description] : []
  return [
    `## weir ${command.name}`,
    command.summary,
    ...description,
    ...operandList(command),
    ...groups.map((group) => flagList(group, flags)),
    `Examples:`,
    `\`\`\`\n${command.examples.map(({ command: line, what }) => `${line}    # ${what}`).join('\n')}\n\`\`\``,
  ].join('\n\n')
}

function operandList(command: Command): readonly string[] {
  const { operands = [] } = command
  if (operands.length === 0) return []
  const lines = operands.map(({ name, help }) => `- \`${name}\`: ${plain(help)}`)
  return [`Usage: \`${usageOf(command)}\``, `Arguments:\n\n${lines.join('\n')}`]
}

function flagList(group: string | undefined, flags: readonly Flag[]): string {
  const lines = flags
    .filter((flag) => flag.group === group)
    .map((flag) => `- \`${synopsis(flag)}\`: ${plain(explanation(flag))}`)
  return `${group ?? 'Options'}:\n\n${lines.join('\n')}`
}

/** Text in which nothing is Markdown. */
function plain(text: string): string {
  return text.replaceAll(/[_*[\]<>]/g, '\\$&')
}

/** Every table that an errors.ts exports, by its folder. */
async function errorTables(): Promise<ReadonlyMap<string, ErrorTable>> {
  const tables = new Map<string, ErrorTable>()
  const files = globSync('{[a-z]*,api/contract}/**/errors.ts', {
    cwd: home,
    exclude: (path) => /(?:^|\/)node_modules$/.test(path),
  })
  for (const file of files.sort()) {
    const exported = (await import(join(home, file))) as Record<string, unknown>
    for (const value of Object.values(exported)) {
      if (isTable(value)) tables.set(dirname(file), { ...tables.get(dirname(file)), ...value })
    }
  }
  return tables
}

function isTable(value: unknown): value is ErrorTable {
  if (typeof value !== 'object' || value === null) return false
  const rows = Object.values(value)
  return rows.length > 0 && rows.every((row) => typeof row === 'object' && 'exitCode' in row)
}

function errorsPage(tables: ReadonlyMap<string, ErrorTable>): string {
  const parts = [
    `# Errors

Generated from the \`errors.ts\` of each folder by \`npm run generate\`.

A person reads the message and below it what to do about it; a program reads the code, which is stable, in the API's
\`error.code\`, or the exit code. Names in braces are filled with the details. Exit codes follow sysexits(3): 64 usage,
65 bad data, 69 something needed is not there, 70 a defect of Weir, 73 cannot create, 74 input or output, 75 try again,
76 wrong protocol, 77 not permitted, 78 configuration; 130 and 143 are Ctrl-C and SIGTERM.`,
  ]
  for (const [folder, table] of tables) {
    const lines = Object.entries(table).map(([code, row]) => errorLine(code, row))
    parts.push(`## ${folder}`, lines.join('\n'))
  }
  return `${parts.join('\n\n')}\n`
}

function errorLine(code: string, row: ErrorRow): string {
  const remedy = row.remedy === '' ? '' : ` ${plain(row.remedy).replace(/\.$/, '')}.`
  return `- \`${code}\` (exit ${row.exitCode}, HTTP ${row.status}): **${plain(row.message)}**.${remedy}`
}

if (import.meta.main) {
  for (const { path, text } of await pages()) {
    mkdirSync(dirname(join(home, path)), { recursive: true })
    writeFileSync(join(home, path), text)
  }
}
