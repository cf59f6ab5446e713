// Reads the first message of an agent: every member is checked, because it is shown to people.

import { type Hello, readJsonBody, tables } from '../../wire/mod.ts'
import { centralError } from '../errors.ts'

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/
/** Names of hosts (RFC 1123) and what people make of them; no control characters. */
const printable = /^[^\p{Cc}\p{Cf}\p{Zl}\p{Zp}]{1,253}$/u

/** Throws `hello_bad` or `schema_unknown`. */
export function readHello(body: Uint8Array): Hello {
  const hello = readJsonBody(body)
  const { protocol, schemas } = hello
  if (protocol !== 1) throw bad(`protocol ${JSON.stringify(protocol)} is not known`)
  const member = (name: string, shape: RegExp): string => {
    const value = hello[name]
    if (typeof value === 'string' && shape.test(value)) return value
    throw bad(`${name} is not right`)
  }
  const { timeMs, intervalMs } = hello
  if (!Number.isSafeInteger(timeMs)) throw bad('timeMs is not right')
  if (!isInterval(intervalMs)) throw bad('intervalMs is not right')
  if (typeof schemas !== 'object' || schemas === null) throw bad('schemas are not right')
  checkSchemas(schemas as Record<string, unknown>)
  return {
    protocol,
    agent: member('agent', uuid),
    boot: member('boot', uuid),
    node: member('node', printable),
    version: member('version', printable),
    intervalMs,
    timeMs: timeMs as number,
    schemas: schemas as Hello['schemas'],
  }
}

/** Up to an hour: silence is measured by it. */
function isInterval(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 1 && Number(value) <= 3_600_000
}

/** An older agent may lack tables and fields; what a newer one sends is not known here. */
function checkSchemas(schemas: Readonly<Record<string, unknown>>): void {
  for (const [name, schema] of Object.entries(schemas)) {
    const known = tables.find((table) => table.name === name)?.schema ?? 0
    const isKnown = Number.isInteger(schema) && Number(schema) >= 1 && Number(schema) <= known
    if (isKnown) continue
    const details = { schema: String(schema).slice(0, 20), table: name.slice(0, 64), known }
    throw centralError('schema_unknown', { details })
  }
}

function bad(what: string) {
  return centralError('hello_bad', { details: { what } })
}
