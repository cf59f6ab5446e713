// Addresses as people read them. Programs get them as they are.

import type { JsonValue } from '../../wire/mod.ts'

const own = new Set(['127.0.0.1', '::1'])

/** What an address is to a person: `this host` for the two that every host calls itself by. */
export function addressText(address: JsonValue | undefined, raw: boolean): string {
  const text = address === null || address === undefined ? '–' : String(address)
  return !raw && own.has(text) ? 'this host' : text
}

/** `192.0.2.1:443`, `[2001:db8::7]:443`, `this host:5432`. */
export function endpointText(
  address: JsonValue | undefined,
  port: JsonValue | undefined,
  raw: boolean,
): string {
  const text = addressText(address, raw)
  return `${text.includes(':') ? `[${text}]` : text}:${port ?? '*'}`
}
