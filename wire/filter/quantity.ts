// Numbers as people write them: 1500, 1.5k, 10MiB, 5ms. k = 1000, Ki = 1024; durations as in Go.

import { durationNs } from '../../common/mod.ts'
import type { Unit } from '../model/field.ts'

const decimalPrefix: Readonly<Record<string, number>> = {
  '': 1,
  k: 1e3,
  K: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
}
const binaryPrefix: Readonly<Record<string, number>> = {
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
}
const amount = /^(\d+(?:\.\d+)?)(Ki|Mi|Gi|Ti|k|K|M|G|T)?(B|bytes?)?$/

/**
 * The number in the field's own unit; undefined when the text is none, or its unit is another one. Of whole
 * units only: half a byte is no number of bytes.
 */
export function parseQuantity(text: string, unit: Unit = ''): number | undefined {
  const value = unit === 'ns' ? (durationNs(text) ?? plain(text, unit)) : plain(text, unit)
  return value !== undefined && Number.isSafeInteger(value) ? value : undefined
}

function plain(text: string, unit: Unit): number | undefined {
  const match = amount.exec(text)
  if (!match) return undefined
  const [, count, prefix = '', suffix] = match
  if (suffix !== undefined && unit !== 'bytes') return undefined
  return Number(count) * (binaryPrefix[prefix] ?? (decimalPrefix[prefix] as number))
}
