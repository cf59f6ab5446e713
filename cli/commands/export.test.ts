import assert from 'node:assert/strict'
import { appendFileSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { type FakeAnswer, fakeRow, wholeCoverage } from '../fake.ts'
import { weir } from '../run.fake.ts'

const lines = 25

function folderOf(context: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'weir-export-'))
  context.after(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** Ten rows a page, told apart by their port; `breakAt` answers the page with an error. */
function paged(breakAt?: number): FakeAnswer {
  return (url) => {
    const from = Number(url.searchParams.get('cursor') ?? 0)
    if (from === breakAt) return { status: 503, body: { error: { code: 'busy', message: 'busy' } } }
    const count = Math.min(10, lines - from)
    const rows = Array.from({ length: count }, (_, index) => fakeRow({ src_port: from + index }))
    const next = from + count < lines ? String(from + count) : null
    return { body: { rows, next, coverage: wholeCoverage } }
  }
}

const portsIn = (file: string) =>
  readFileSync(file, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line).src_port as number)
const all = Array.from({ length: lines }, (_, index) => index)

test('export: an interrupted one goes on where it was, with the same range, and has every row once', async (context) => {
  const file = join(folderOf(context), 'flows.ndjson')
  const line = `export flows --for 1h -o ${file}`
  const broken = await weir(line, paged(10))
  assert.notEqual(broken.exitCode, 0)
  assert.equal(existsSync(file), false)
  assert.equal(portsIn(`${file}.part`).length, 10)
  // What a crash in the middle of a write leaves.
  appendFileSync(`${file}.part`, '{"half":')
  const { exitCode, err, asked } = await weir(line, paged())
  assert.equal(exitCode, 0, err)
  assert.match(err, /^going on after 10 rows\n/)
  assert.match(err, /25 rows in .*flows\.ndjson/)
  assert.deepEqual(portsIn(file), all)
  assert.deepEqual(readdirSync(join(file, '..')), ['flows.ndjson'])
  assert.equal(asked.filter((one) => String(one).includes('/api/flows')).length, 2)
})

test('export: a file that is there is never written over', async (context) => {
  const file = join(folderOf(context), 'flows.ndjson')
  assert.equal((await weir(`export flows -o ${file}`, paged())).exitCode, 0)
  const { exitCode, err } = await weir(`export flows -o ${file}`, paged())
  assert.equal(exitCode, 73)
  assert.match(err, /cannot be written: EEXIST/)
  assert.deepEqual(portsIn(file), all)
})

test('export: another question begins anew', async (context) => {
  const file = join(folderOf(context), 'flows')
  await weir(`export flows --for 1h -o ${file}`, paged(20))
  const { exitCode } = await weir(`export flows --for 2h --format csv -o ${file}`, paged())
  assert.equal(exitCode, 0)
  const [head, ...rest] = readFileSync(file, 'utf8').trim().split('\r\n')
  assert.match(head ?? '', /^time,start,end,node,/)
  assert.equal(rest.length, lines)
})
