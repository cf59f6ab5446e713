// A folder of parts: what broke off is fetched again, what is whole stays.

import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { type FakeAnswer, wholeCoverage } from '../fake.ts'
import { weir } from '../run.fake.ts'

function folderOf(context: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'weir-parts-'))
  context.after(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** Three parts; the one with the number `broken` ends early. */
function parts(broken?: number): FakeAnswer {
  return ({ pathname, searchParams }) => {
    if (!pathname.startsWith('/api/export/')) {
      return { body: { rows: [], next: null, coverage: wholeCoverage } }
    }
    const part = Number(searchParams.get('cursor') ?? 0)
    const body = `octets of part ${part}`
    const length = part === broken ? body.length + 1 : body.length
    const headers = { 'weir-rows': '10', 'weir-first': '2026-08-21 11:59:00.000000001' }
    const next = part < 2 ? { 'weir-next': String(part + 1) } : {}
    return { body, headers: { ...headers, ...next, 'content-length': String(length) } }
  }
}

const manifestIn = (folder: string) =>
  JSON.parse(readFileSync(join(folder, '_manifest.json'), 'utf8'))
const sumOf = (path: string) => createHash('sha256').update(readFileSync(path)).digest('hex')

test('export of parts: a part that broke off is fetched again, the ones before it are not', async (context) => {
  const folder = join(folderOf(context), 'week')
  const line = `export flows --for 1h --format parquet -o ${folder}`
  const broken = await weir(line, parts(1))
  assert.equal(broken.exitCode, 69, broken.err)
  assert.equal(existsSync(folder), false)
  const before = manifestIn(`${folder}.part`)
  assert.deepEqual([before.complete, before.rows, before.files.length], [false, 10, 1])
  // What a crash in the middle of a part, and between a part and the manifest, leaves.
  writeFileSync(join(`${folder}.part`, 'flows-000002.parquet'), 'half')
  writeFileSync(join(`${folder}.part`, 'flows-000002.parquet.tmp'), 'ha')

  const { exitCode, err, asked } = await weir(line, parts())
  assert.equal(exitCode, 0, err)
  assert.match(err, /^going on after 10 rows\n/)
  assert.match(err, /30 rows in .*week/)
  assert.equal(asked.filter((url) => url.pathname === '/api/export/flows').length, 2)
  const manifest = manifestIn(folder)
  assert.deepEqual([manifest.complete, manifest.rows, manifest.next], [true, 30, null])
  const names = manifest.files.map(({ file }: { file: string }) => file)
  assert.deepEqual(readdirSync(folder).toSorted(), ['_manifest.json', ...names])
  for (const [index, { file, sha256, first_time: first }] of manifest.files.entries()) {
    assert.equal(readFileSync(join(folder, file), 'utf8'), `octets of part ${index}`)
    assert.equal(sha256, sumOf(join(folder, file)))
    assert.equal(first, '2026-08-21T11:59:00.000000001Z')
  }
})

test('export of parts: a folder that is there is never written over, another question begins anew', async (context) => {
  const folder = join(folderOf(context), 'week')
  await weir(`export flows --for 1h --format parquet -o ${folder}`, parts(2))
  assert.equal(manifestIn(`${folder}.part`).files.length, 2)
  const other = await weir(`export events --for 1h --format arrow -o ${folder}`, parts())
  assert.equal(other.exitCode, 0, other.err)
  assert.deepEqual(readdirSync(folder).toSorted()[1], 'events-000001.arrow')
  const again = await weir(`export flows --for 1h --format parquet -o ${folder}`, parts())
  assert.equal(again.exitCode, 73)
  assert.match(again.err, /cannot be written: EEXIST/)
})
