// Files as other programs read them: hyparquet, apache-arrow, sha256sum. Every row is in them once, whatever dies when.

import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { readColumnar } from '../../../api/columnar.fake.ts'
import { createReporter } from '../../../common/reporter/mod.ts'
import { until } from '../../../common/until.fake.ts'
import { createStore, type Store } from '../../../store/mod.ts'
import { flowTable, type Row, tableNamed } from '../../../wire/mod.ts'
import type { ExportConfig } from '../config.ts'
import { createExportsFake, flowRows } from '../rows.fake.ts'
import type { WholeFile } from './file-set.ts'

const rounds = Number(process.env['WEIR_EXPORT_ROUNDS'] ?? 6)
const folder = mkdtempSync(join(tmpdir(), 'weir-files-'))
const writer = fileURLToPath(new URL('./writer.fake.ts', import.meta.url))
let store: Store
before(async () => {
  const reporter = createReporter('test', { level: 'silent' })
  store = createStore({ dataDir: join(folder, 'store') }, reporter)
  await store.start()
})
after(async () => {
  await store?.stop()
  rmSync(folder, { recursive: true, force: true })
})

const configOf = (name: string, options: Record<string, string>): ExportConfig => ({
  name,
  kind: 'files',
  endpoint: join(folder, `${name}-files`),
  batchRows: 70,
  retryMaxMs: 50,
  options,
})

function manifestOf({ endpoint, name }: ExportConfig): readonly WholeFile[] {
  const path = join(endpoint, `_${name}.manifest.ndjson`)
  if (!existsSync(path)) return []
  const text = readFileSync(path, 'utf8')
  return text
    .slice(0, text.lastIndexOf('\n') + 1)
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line))
}

/** The rows of every file of the manifest, each of which is what its line says. */
async function wholeRows(config: ExportConfig, table = flowTable): Promise<readonly Row[]> {
  const all: Row[] = []
  for (const { file, rows, octets, sha256, ...times } of manifestOf(config)) {
    const path = join(config.endpoint, file)
    const content = readFileSync(path)
    assert.equal(content.length, octets)
    assert.equal(execFileSync('sha256sum', [path]).toString().split(' ')[0], sha256)
    const found: readonly Row[] = file.endsWith('.ndjson')
      ? content
          .toString()
          .split('\n')
          .slice(0, -1)
          .map((line) => JSON.parse(line))
      : await readColumnar(content, table)
    assert.equal(found.length, rows)
    const moments = found.map((row) => String(row['time'])).toSorted()
    assert.deepEqual([times.first_time, times.last_time], [moments[0], moments.at(-1)])
    all.push(...found)
  }
  return all
}

const marksOf = (rows: readonly Row[]) =>
  rows.map((row) => (Number(row['bytes']) - 1) / 2).toSorted((a, b) => a - b)
const upTo = (count: number) => Array.from({ length: count }, (_, mark) => mark)
const filed = (config: ExportConfig) => manifestOf(config).reduce((sum, { rows }) => sum + rows, 0)

for (const format of ['ndjson', 'parquet', 'arrow']) {
  test(`${format}: files end by size and by age, and have every value of every row`, async () => {
    const config = configOf(format, { format, rotate_size: '20KB', rotate_age: '2s' })
    const options = { writeFile: store.writeFile }
    const fake = createExportsFake(join(folder, format), [config], options)
    await fake.start()
    const rows = flowRows(0, 500)
    await fake.append(rows)
    await until('every row in a file', () => filed(config) === 500, 60_000)
    await fake.stop()
    assert.ok(manifestOf(config).length > 1, 'a file ended by its size')
    const found = await wholeRows(config)
    assert.deepEqual(marksOf(found), upTo(500))
    const one = found.find((row) => row['bytes'] === 3)
    assert.equal(one?.['connection_id'], String(2n ** 63n + 1n))
    assert.equal(one?.['src_address'], '10.0.0.1')
    assert.equal(one?.['src_workload'], 'shop-1')
    assert.equal(one?.['counted'], true)
    assert.equal(one?.['rtt_ns'], null)
    assert.deepEqual(
      Object.keys(one ?? {}),
      flowTable.fields.map(({ name }) => name),
    )
  })
}

test('only the chosen fields are in the files, and events have files of their own', async () => {
  const table = tableNamed('events')
  assert.ok(table)
  const config = {
    ...configOf('events', { format: 'parquet', rotate_age: '1s' }),
    tables: ['events'],
    fields: ['kind', 'count', 'reason'],
  }
  const options = { table, writeFile: store.writeFile }
  const fake = createExportsFake(join(folder, 'events'), [config], options)
  await fake.start()
  const time = BigInt(Date.now()) * 1_000_000n
  await fake.append([{ time, node: 'node-a', kind: 'drop', count: 7, reason: 'NO_SOCKET' }])
  await until('the file', () => filed(config) === 1, 60_000)
  await fake.stop()
  const [line] = manifestOf(config)
  assert.match(String(line?.file), /^events-events-\d{8}T\d{6}Z-000001\.parquet$/)
  const found = await readColumnar(readFileSync(join(config.endpoint, String(line?.file))), table)
  assert.deepEqual(found, [{ kind: 'drop', count: 7, reason: 'NO_SOCKET' }])
})

test('a file that the engine could not make is made later, and what it left is not named', async () => {
  const config = configOf('later', { format: 'parquet', rotate_size: '20KB', rotate_age: '1s' })
  let failures = 2
  const writeFile: Store['writeFile'] = async (target, ...rest) => {
    if (failures-- > 0) {
      writeFileSync(target.file, 'PAR1 half')
      throw new Error('the engine is away')
    }
    await store.writeFile(target, ...rest)
  }
  const fake = createExportsFake(join(folder, 'later'), [config], { writeFile })
  await fake.start()
  for (let from = 0; from < 500; from += 50) await fake.append(flowRows(from, 50))
  await until('every row in a file', () => filed(config) === 500, 60_000)
  await fake.stop()
  assert.ok(failures < 0)
  assert.deepEqual(marksOf(await wholeRows(config)), upTo(500))
  const named = new Set(manifestOf(config).map(({ file }) => file))
  const others = readdirSync(config.endpoint).filter((file) => !named.has(file))
  assert.deepEqual(others.toSorted(), ['.later.state.json', '_later.manifest.ndjson'])
})

test('files that are older than the retention are removed, and no longer named', async () => {
  const options = { rotate_age: '1s', retention: '1d' }
  const config = configOf('old', options)
  const fake = createExportsFake(join(folder, 'old'), [config])
  await fake.start()
  const time = BigInt(Date.now() - 2 * 86_400_000) * 1_000_000n
  await fake.append(flowRows(0, 5, { time }))
  const stateFile = join(config.endpoint, '.old.state.json')
  await until('it is there and gone', () => {
    if (!existsSync(stateFile)) return false
    const { count, parts } = JSON.parse(readFileSync(stateFile, 'utf8'))
    return count === 1 && Object.keys(parts).length === 0 && manifestOf(config).length === 0
  })
  await fake.append(flowRows(0, 5))
  await until('the new one', () => filed(config) === 5)
  await fake.stop()
  assert.equal(readdirSync(config.endpoint).filter((file) => file.endsWith('.ndjson')).length, 2)
})

test(`killed ${rounds} times, every row is in one file`, { timeout: 60_000 * rounds }, async () => {
  const config = configOf('killed', { rotate_size: '20KB', rotate_age: '1s' })
  const data = join(folder, 'killed')
  const entered: number[] = []
  for (let round = 0; round < rounds; round++) {
    // Killed in other places of the work each time. What it was entering then may be there or not.
    const from = round * 10_000
    const to = await writeUntil(data, config, from, from + 200 + 50 * (round % 5))
    for (let mark = from; mark < to; mark++) entered.push(mark)
    const named = manifestOf(config)
    for (const { file } of named) assert.ok(existsSync(join(config.endpoint, file)), file)
  }
  const fake = createExportsFake(data, [config])
  await fake.start()
  await until('every row in a file', () => filed(config) >= entered.length, 60_000)
  await until('no lag', () => fake.exports.list()[0]?.lag_rows === 0)
  await until('none on its way', () => !readdirSync(config.endpoint).some(isPart), 60_000)
  await fake.stop()
  const marks = marksOf(await wholeRows(config))
  assert.equal(new Set(marks).size, marks.length, 'a row is there twice')
  const there = new Set(marks)
  assert.deepEqual(
    entered.filter((mark) => !there.has(mark)),
    [],
    'rows are missing',
  )
})

const isPart = (file: string) => file.endsWith('.part')

/** Kills the writer when its rows up to `to` are in the journal; gives the row behind the last that it had entered. */
async function writeUntil(data: string, config: ExportConfig, from: number, to: number) {
  const args = [writer, data, JSON.stringify(config), String(from), String(from + 10_000)]
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  const ended = once(child, 'exit')
  let entered = from
  for await (const line of createInterface({ input: child.stdout })) {
    entered = Number(line)
    if (entered >= to) child.kill('SIGKILL')
  }
  const [code, signal] = await ended
  assert.equal(signal, 'SIGKILL', `the writer ended with ${code}`)
  return entered
}
