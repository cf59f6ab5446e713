// The independent oracle of the block encoder: the engine itself reads the block, all values, every key width.

import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { query } from 'chdb'
import { type Batch, createBatch } from '../model/columns.ts'
import { flowTable } from '../model/flow-fields.ts'
import { rowOf } from '../model/row.ts'
import { createBlockEncoder } from './block-encode.ts'
import { columnType } from './column-type.ts'
import { fakeFlows, fakeKinds, fakeLedger, fakePrograms } from './fake.ts'

const folder = mkdtempSync(join(tmpdir(), 'weir-block-'))
after(() => rmSync(folder, { recursive: true, force: true }))

/** What the engine reads from the block, without being told its structure: types come from the block. */
function readByEngine(batch: Batch, what: string): string {
  const file = join(folder, 'block.native')
  writeFileSync(file, createBlockEncoder().encode(batch))
  return query(`${what.replace('BLOCK', `file('${file}', 'Native')`)}`, 'JSONEachRow')
}

test('the engine reads every value of every field', () => {
  for (const batch of [fakeFlows(), fakeLedger(), fakePrograms(), fakeKinds()]) {
    const columns = batch.table.fields.map(({ name, kind, nullable }) => {
      if (kind === 'id') return `toString(${name}) AS ${name}`
      if (kind === 'flag') return `${name} = 1 AS ${name}`
      if (kind === 'octets') return `base64Encode(${name}) AS ${name}`
      if (kind === 'address') return `replaceOne(toString(${name}), '::ffff:', '') AS ${name}`
      if (kind !== 'time') return name
      const text = `replaceOne(toString(${name}), ' ', 'T') || 'Z'`
      return `${nullable ? `if(isNull(${name}), NULL, ${text})` : text} AS ${name}`
    })
    const settings = 'SETTINGS output_format_json_quote_64bit_integers = 0'
    const text = readByEngine(batch, `SELECT ${columns.join(', ')} FROM BLOCK ${settings}`)
    const rows = text.trimEnd().split('\n')
    assert.equal(rows.length, batch.length)
    for (const [index, row] of rows.entries()) {
      const seen = JSON.parse(row) as Record<string, unknown>
      for (const { name, kind } of batch.table.fields) {
        if (kind === 'flag') seen[name] = Boolean(seen[name])
      }
      assert.deepEqual(seen, { ...rowOf(batch, index) })
    }
  }
})

test('the types in the block are those of the table', () => {
  const text = readByEngine(fakeFlows(), 'DESCRIBE BLOCK')
  const seen = text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as { name: string; type: string })
  assert.deepEqual(
    seen.map(({ name, type }) => [name, type]),
    flowTable.fields.map((field) => [field.name, columnType(field)]),
  )
})

test('dictionaries of one, two and four octets a key are read alike', () => {
  for (const distinct of [200, 255, 256, 40_000, 70_000]) {
    const batch = createBatch(flowTable, distinct)
    batch.length = distinct
    const values = batch.columns['src_process']?.values as Uint32Array
    for (let row = 0; row < distinct; row++) values[row] = batch.names.index(`p${row}`)
    const what = `SELECT count() AS n, uniqExact(src_process) AS u,
      countIf(src_process = 'p' || toString(rowNumberInAllBlocks())) AS same FROM BLOCK`
    const { n, u, same } = JSON.parse(readByEngine(batch, what)) as Record<string, string>
    assert.deepEqual([Number(n), Number(u), Number(same)], [distinct, distinct, distinct])
  }
})
