// Lines of comma-separated values.

import type { JsonValue } from '../../wire/mod.ts'
import { escaped } from './escape.ts'

/** RFC 4180; null is an empty cell. */
export function csvLine(values: readonly JsonValue[]): string {
  return values
    .map((value) => {
      const text = value === null ? '' : escaped(String(value))
      return /[",]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
    })
    .join(',')
}
