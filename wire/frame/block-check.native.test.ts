// The real engine as the judge: its own blocks pass, and it reads whatever passes.

import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { Session } from 'chdb'
import type { Field, Table } from '../model/field.ts'
import { flowTable } from '../model/flow-fields.ts'
import { type BlockCheck, createBlockCheck } from './block-check.ts'
import { columnType } from './column-type.ts'
import { kindsTable } from './fake.ts'

const folder = mkdtempSync(join(tmpdir(), 'weir-block-'))
const session = new Session()
after(() => {
  session.close()
  rmSync(folder, { recursive: true })
})
const rows = 40

/** Random but allowed values, made by the engine. */
function valueSql(field: Field, index: number): string {
  const random = `rand64(${field.name.length + index})`
  const plain: Record<Field['kind'], string> = {
    time: `fromUnixTimestamp64Nano(toInt64(1795219200000000000 + number), 'UTC')`,
    name: `if(number % 4 = 0, '', concat('n', toString(${random} % 9)))::LowCardinality(String)`,
    text: `concat('t', toString(${random} % 9))`,
    octets: `unhex(hex(${random}))`,
    list: `arrayMap(i -> toString(i), range(number % 4))`,
    address: `toIPv6(concat('2001:db8::', lower(hex(${random} % 65535))))`,
    counter: `${random} % 9007199254740992`,
    id: random,
    u8: `toUInt8(${random})`,
    u16: `toUInt16(${random})`,
    u32: `toUInt32(${random})`,
    flag: `toUInt8(${random} % 2)`,
  }
  const sql = `CAST(${plain[field.kind]}, '${columnType({ ...field, nullable: undefined } as never).replaceAll("'", "\\'")}')`
  if (!field.nullable) return `${sql} AS \`${field.name}\``
  return `if(number % 3 = 0, NULL, ${sql}) AS \`${field.name}\``
}

function goldenBlock(table: Table): Buffer {
  const file = join(folder, 'golden')
  session.query(
    `SELECT ${table.fields.map(valueSql).join()} FROM numbers(${rows}) INTO OUTFILE '${file}' TRUNCATE FORMAT Native`,
  )
  return readFileSync(file)
}

function engineReads(table: Table, block: Buffer): boolean {
  const file = join(folder, 'candidate')
  writeFileSync(file, block)
  const structure = table.fields.map((field) => `\`${field.name}\` ${columnType(field)}`).join()
  const types = structure.replaceAll("'", "\\'")
  try {
    const hash = `SELECT sum(cityHash64(*)) FROM file('${file}', 'Native', '${types}')`
    session.query(hash)
    return true
  } catch {
    return false
  }
}

for (const table of [flowTable, kindsTable]) {
  const check = createBlockCheck(table)

  test(`${table.name}: a block written by the engine passes`, () => {
    const block = goldenBlock(table)
    const timeMin = 1_795_219_200_000_000_000n
    check(block, { rows, timeMin, timeMax: timeMin + BigInt(rows - 1) })
  })

  test(`${table.name}: what passes after random changes, the engine reads`, () => {
    mutate(table, check)
  })
}

function mutate(table: Table, check: BlockCheck): void {
  const golden = goldenBlock(table)
  const claim = { rows, timeMin: 0n, timeMax: 2n ** 62n }
  let passed = 0
  let refused = 0
  let refusedByBoth = 0
  const random = generator(42)
  for (let round = 0; round < 400; round++) {
    const block = Buffer.from(golden)
    for (let n = 0; n <= random(2); n++) block[random(block.length)] = random(256)
    try {
      check(block, claim)
    } catch {
      refused++
      if (round % 8 === 0 && !engineReads(table, block)) refusedByBoth++
      continue
    }
    passed++
    assert.ok(engineReads(table, block), `round ${round}: the engine refuses what the check took`)
  }
  assert.ok(passed > 20 && refused > 20 && refusedByBoth > 0, `${passed} ${refused}`)
}

/** Small and repeatable (mulberry32); gives whole numbers below `limit`. */
function generator(seed: number): (limit: number) => number {
  let state = seed
  return (limit) => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) % limit
  }
}
