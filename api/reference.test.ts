// docs/reference/openapi.json and fields.md are made from the code and checked in: a change of the API shows
// in review. UPDATE_GOLDEN=1 rewrites them.

import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { Validator } from '@seriousme/openapi-schema-validator'
import { createReporter } from '../common/reporter/mod.ts'
import { eventKinds } from '../wire/mod.ts'
import { createApp } from './app.ts'
import { type FieldInfo, fieldsOf } from './contract/mod.ts'

const folder = new URL('../docs/reference/', import.meta.url)

function assertFresh(name: string, content: string): void {
  const file = new URL(name, folder)
  if (process.env['UPDATE_GOLDEN'] === '1') writeFileSync(file, content)
  assert.equal(readFileSync(file, 'utf8'), content, `${name} is old: run with UPDATE_GOLDEN=1`)
}

async function openapi() {
  const reporter = createReporter('test', { level: 'silent' })
  const health = () => assert.fail('nobody asks')
  const reader = { read: async () => [] }
  const take = () => assert.fail('nobody sends')
  const app = await createApp({}, { reader, health, metrics: reporter.metrics, take }, reporter)
  try {
    const answer = await app.inject({ url: '/openapi.json', headers: { host: 'localhost' } })
    return answer.json()
  } finally {
    await app.close()
  }
}

test('the OpenAPI document is fresh', async () => {
  assertFresh('openapi.json', `${JSON.stringify(await openapi(), null, 2)}\n`)
})

test('the OpenAPI document is valid by its own specification, and a broken one is not', async () => {
  const validate = async (document: Record<string, unknown>) =>
    (await new Validator().validate(document)).errors
  const document = await openapi()
  assert.equal(await validate(document), undefined)
  document.paths['/broken'] = { get: { parameters: [{ name: 'without a place' }] } }
  assert.ok(await validate(document))
})

test('every route declares its answers and no path is missing', async () => {
  const { paths } = await openapi()
  assert.deepEqual(Object.keys(paths).toSorted(), [
    '/api/connection-summary',
    '/api/drop-reasons',
    '/api/events',
    '/api/events/ingest',
    '/api/events/series',
    '/api/events/top',
    '/api/export/events',
    '/api/export/flows',
    '/api/exports',
    '/api/fields',
    '/api/filter',
    '/api/flows',
    '/api/graph/data',
    '/api/ledger',
    '/api/list-connections',
    '/api/list-packet-drops',
    '/api/live',
    '/api/packet-drop-summary',
    '/api/programs',
    '/api/rules',
    '/api/series',
    '/api/stats',
    '/api/top',
    '/health',
    '/healthz',
    '/metrics',
    '/metrics.json',
    '/readyz',
  ])
  for (const [path, methods] of Object.entries<Record<string, { responses: object }>>(paths)) {
    const [first] = Object.values(methods)
    assert.ok(first && Object.keys(first.responses).length > 0, path)
  }
})

test('the page of fields is fresh', () => {
  const { fields, metrics } = fieldsOf()
  const of = (table: string, either: boolean) =>
    fields.filter((field) => field.table === table && field.ends.length > 0 === either)
  const metricRows = metrics.map((metric) => row([code(metric.name), metric.unit, metric.help]))
  const parts = [
    '# Fields\n\nMade from the table of fields (`wire/model`): the same name in JSON, in a query string and in the store.',
    `## A flow row: one interval of one connection\n\n${table(of('flows', false))}`,
    `## Names for either end\n\n${table(of('flows', true))}`,
    `## Metrics of /api/top and /api/series\n\n${head(['name', 'unit', 'is'])}\n${metricRows.join('\n')}`,
    `## An event: something that happened at an instant, or to packets that are alike within an interval\n\n${eventKinds.map(({ name, help }) => `- \`${name}\`: ${help}`).join('\n')}\n\n${table(of('events', false))}`,
    `## Names for either end of an event\n\n${table(of('events', true))}`,
    `## A row of the ledger\n\n${table(of('ledger', false))}`,
    `## A row of programs\n\n${table(of('programs', false))}`,
  ]
  assertFresh('fields.md', `${parts.join('\n\n')}\n`)
})

function table(fields: readonly FieldInfo[]): string {
  const rows = fields.map((field) => {
    const kind = field.nullable ? `${field.kind} or null` : field.kind
    return row([code(field.name), kind, field.unit, field.help])
  })
  return `${head(['name', 'kind', 'unit', 'is'])}\n${rows.join('\n')}`
}

function head(names: readonly string[]): string {
  return `${row(names)}\n${row(names.map(() => '---'))}`
}

function row(cells: readonly string[]): string {
  return `| ${cells.join(' | ')} |`
}

function code(name: string): string {
  return `\`${name}\``
}
