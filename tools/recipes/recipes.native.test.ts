// Each recipe of CONTRIBUTING, followed in a copy of the tree: so many files as it says, and the tree is whole again.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { findCompiler } from '../build-kernel.ts'
import { endpoint, error, field, figure, flag, probe, table } from './recipes.ts'
import { createTreeMaker, type Recipe, type Tree, type TreeMaker } from './tree.ts'

const limits = { timeout: 180_000 }
const golden = { UPDATE_GOLDEN: '1' }
const typescript = 'node_modules/typescript/bin/tsc'

let trees: TreeMaker
/** All recipes but that of a probe were followed in it, one after the other. */
let tree: Tree
// Types are built once; of the recipes, what they changed.
before(() => {
  trees = createTreeMaker((first) => first.node([typescript, '-b']))
  tree = trees.open('followed')
  for (const recipe of [field, figure, table, endpoint, flag, error]) tree.follow(recipe)
  renew(tree, 'wire/', 'api/', 'cli/', 'central/', 'agent/tcp')
}, limits)
after(() => trees?.remove())

function counts({ made, edits }: Recipe): readonly [number, number] {
  return [Object.keys(made).length, new Set(edits.map(({ file }) => file)).size]
}

function unitTests(...filters: readonly string[]): readonly string[] {
  return ['tools/test.ts', '--unit', ...filters.flatMap((filter) => ['--filter', filter])]
}

/** What CONTRIBUTING says to renew, then the unit tests of what the recipes touch. */
function renew(where: Tree, ...folders: readonly string[]): void {
  where.node([typescript, '-b'])
  where.node(unitTests('wire/frame/frame.test', 'api/reference.test'), golden)
  where.node(['tools/generate-docs.ts'])
  where.node(unitTests(...folders))
}

function ddl(name: string): string {
  const code = `import { tableNamed } from './wire/mod.ts'
    import { createTableSql } from './store/schema/table-sql.ts'
    console.log(createTableSql(tableNamed('${name}')))`
  return tree.node(['--input-type=module', '-e', code])
}

test('a field is one row: column, block, parameter, flag and page follow', limits, () => {
  assert.deepEqual(counts(field), [0, 2])
  assert.match(ddl('flows'), /`mood` UInt8/)
  assert.match(tree.read('docs/reference/fields.md'), /\| `mood` \| u8 \|/)
  assert.match(tree.read('docs/reference/cli.md'), /--mood/)
  assert.match(tree.read('docs/reference/openapi.json'), /"name": "mood"/)
})

test('a figure over flows is one row: API, command line and memory have it', limits, () => {
  assert.deepEqual(counts(figure), [0, 1])
  assert.match(tree.read('docs/reference/openapi.json'), /"-resets"/)
  const code = `import { flowMetrics } from './wire/mod.ts'
    import { createBinder } from './store/query/binder.ts'
    import { metricSql } from './store/query/metric-sql.ts'
    const resets = flowMetrics.find(({ name }) => name === 'resets')
    console.log(metricSql(createBinder(), resets, false))`
  assert.match(tree.node(['--input-type=module', '-e', code]), /countIf\(.*end_reason/s)
})

test('a kind of row is a table and an entry: frames, schema and DDL follow', limits, () => {
  assert.deepEqual(counts(table), [1, 1])
  assert.match(ddl('toys'), /`tags` Array\(String\)/)
  const code = `import { schemaNumbers, tableNumbered } from './wire/mod.ts'
    console.log(schemaNumbers().toys, tableNumbered(99).name)`
  assert.equal(tree.node(['--input-type=module', '-e', code]).trim(), '1 toys')
})

test('a question is a route and its place: it is in the description of the API', () => {
  assert.deepEqual(counts(endpoint), [1, 2])
  assert.match(tree.read('docs/reference/openapi.json'), /"\/api\/toys"/)
})

test('a flag is a record: help, parser, configuration file and docs follow', limits, () => {
  assert.deepEqual(counts(flag), [0, 1])
  assert.match(tree.read('docs/reference/cli.md'), /--temper TEMPER/)
  assert.match(tree.read('docs/reference/config.md'), /agent\.temper/)
  assert.match(tree.node(['cli/main.ts', 'agent', '--help']), /--temper TEMPER/)
})

test('an error is a row: it is thrown by its code, and the reference has it', limits, () => {
  assert.deepEqual(counts(error), [0, 1])
  assert.match(tree.read('docs/reference/errors.md'), /bad_mood/)
  const code = `import { cliError } from './cli/errors.ts'
    console.log(cliError('bad_mood', { details: { mood: 'blue' } }).message)`
  assert.match(tree.node(['--input-type=module', '-e', code]), /the mood is blue/)
})

const compiler = findCompiler()
const noCompiler = compiler === undefined && 'clang 14 is not installed'

test('a probe with a kind of event is a folder and two entries: it is built, laid out, shown, and its rows are stored', {
  ...limits,
  skip: noCompiler,
}, () => {
  assert.deepEqual(counts(probe), [3, 2])
  const other = trees.open('probe')
  other.follow(probe)
  other.node(['tools/build-kernel.ts'])
  other.node(['tools/generate.ts'])
  renew(other, 'kernel/', 'wire/', 'agent/events')
  assert.match(other.read('kernel/layout/toy-record.ts'), /new_state/)
  assert.match(other.read('docs/reference/probes.md'), /toy_state/)
  assert.match(other.read('docs/reference/fields.md'), /- `toy`: A change/)
  // From the kernel to the store: what a connection to a closed port does is there, and every stage adds up.
  const code = `import { connect } from 'node:net'
      import { withRiver } from './test/river.ts'
      import { until } from './test/traffic/mod.ts'
      await withRiver({}, async (river) => {
        await new Promise((done) => connect(9, '127.0.0.1').on('error', done))
        const toys = { kind: 'toy', from: '-5m', reason: 'syn_sent', state: 'close' }
        await until('the toy', async () => (await river.get('/api/events', toys)).rows.length > 0)
        const lines = async () => (await river.get('/api/ledger', { from: '-5m' })).rows
        const toysIn = (ledger) => ledger.filter(({ probe, cause }) => probe === 'toy' && cause === '')
        // The ledger of an interval comes behind its rows.
        const ledger = await until('its ledger', async () => {
          const found = await lines()
          return toysIn(found).filter(({ left }) => left > 0).length >= 2 && found
        })
        const ofToy = toysIn(ledger)
        console.log(ofToy.map(({ stage }) => stage).sort().join())
        console.log(ofToy.every(({ entered, left }) => left > 0 && left <= entered))
        console.log(ledger.filter(({ cause }) => cause === 'unaccounted').length)
      })`
  const shown = other.node(['--input-type=module', '-e', code]).trim().split('\n')
  assert.deepEqual(shown, ['drain,hook', 'true', '0'])
})
