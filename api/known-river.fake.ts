// The API over the real engine, filled with the known rows: what the native tests ask.

import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { rfc3339 } from '../common/mod.ts'
import { createReporter } from '../common/reporter/mod.ts'
import { createStore } from '../store/mod.ts'
import { type Batch, createBlockEncoder, type JsonValue } from '../wire/mod.ts'
import { type AppConfig, createApp } from './app.ts'
import { beginNs, endNs, knownFlows, knownLedger, nowNs } from './known-rows.fake.ts'

export type Parameters = Record<string, string | number | readonly string[]>

/** `from` and `to` around all known rows. */
export const range = { from: rfc3339(beginNs), to: rfc3339(endNs) }

export async function startKnownRiver(config: AppConfig = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'weir-api-'))
  const reporter = createReporter('test', { level: 'silent' })
  const store = createStore({ dataDir: join(folder, 'data') }, reporter)
  await store.start()
  await insert(knownFlows(), 'flows')
  await insert(knownLedger(), 'ledger')
  const health = () => ({ status: 'ok' as const, version: '0', started: '', checks: [], nodes: [] })
  const { metrics } = reporter
  const deps = { reader: store, files: store, health, metrics, nowNs: () => nowNs, take }
  const app = await createApp(config, deps, reporter)
  let taken = 0

  async function take(node: string, batch: Batch): Promise<void> {
    const file = join(folder, `taken-${++taken}-${node}`)
    writeFileSync(file, createBlockEncoder().encode(batch))
    await store.insertSegment(file, batch.table.name, file)
  }

  async function insert(batch: Batch, table: string): Promise<void> {
    const file = join(folder, `${table}-${batch.length}`)
    writeFileSync(file, createBlockEncoder().encode(batch))
    await store.insertSegment(file, table, file)
  }

  async function get<T>(path: string, parameters: Parameters): Promise<T> {
    const url = `${path}?${queryOf(parameters)}`
    const answer = await app.inject({ url, headers: { host: 'localhost:8080' } })
    assert.equal(answer.statusCode, 200, `${url}: ${answer.body.slice(0, 500)}`)
    return answer.json() as T
  }

  /** The octets of an answer that is a file. */
  async function file(path: string, parameters: Parameters) {
    const answer = await app.inject({
      url: `${path}?${queryOf(parameters)}`,
      headers: { host: 'localhost:8080' },
    })
    assert.equal(answer.statusCode, 200, answer.body.slice(0, 500))
    const { headers, rawPayload: octets } = answer
    return { octets, headers: headers as Readonly<Record<string, string | undefined>> }
  }

  async function stop(): Promise<void> {
    await app.close()
    await store.stop()
    rmSync(folder, { recursive: true, force: true })
  }

  /** Any request; what came back, whatever its status. */
  async function ask(url: string, payload?: object) {
    const method = payload ? 'POST' : 'GET'
    const headers = { host: 'localhost:8080' }
    const answer = await app.inject({ method, url, headers, ...(payload ? { payload } : {}) })
    return { status: answer.statusCode, text: answer.body, body: answer.json() }
  }

  return { insert, get, ask, file, read: store.read, scratch: store.scratch, stop }
}

function queryOf(parameters: Parameters): URLSearchParams {
  const query = new URLSearchParams()
  for (const [name, value] of Object.entries(parameters)) {
    for (const one of [value].flat()) query.append(name, String(one))
  }
  return query
}

/** In the order of the API: numbers (ids too) by value, names by their octets, null last. */
export function assertOrdered(values: readonly JsonValue[], descending: boolean): void {
  const ordered = values.toSorted((a, b) => {
    if (a === null || b === null) return Number(a === null) - Number(b === null)
    return descending ? compare(b, a) : compare(a, b)
  })
  assert.deepEqual(values, ordered)
}

function compare(a: JsonValue, b: JsonValue): number {
  if (typeof a !== 'string' || typeof b !== 'string') return Number(a) - Number(b)
  if (/^\d+$/.test(a) && a.length !== b.length) return a.length - b.length
  return Buffer.compare(Buffer.from(a), Buffer.from(b))
}
