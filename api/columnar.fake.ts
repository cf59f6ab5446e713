// Reads files of Parquet and Arrow with programs that know nothing of Weir, and gives rows as JSON answers have them.

import { zstdDecompressSync } from 'node:zlib'
import {
  type Table as ArrowTable,
  CompressionType,
  compressionRegistry,
  tableFromIPC,
} from 'apache-arrow'
import { parquetReadObjects } from 'hyparquet'
import { rfc3339 } from '../common/mod.ts'
import type { Field, JsonValue, Row, Table } from '../wire/mod.ts'

compressionRegistry.set(CompressionType.ZSTD, { decode: (octets) => zstdDecompressSync(octets) })

/** The rows of a file of either format, recognized by its first octets. */
export async function readColumnar(octets: Buffer, table: Table): Promise<readonly Row[]> {
  const found =
    octets.subarray(0, 4).toString() === 'PAR1' ? await parquetRows(octets) : arrowRows(octets)
  const fields = [...table.fields, ...table.derived]
  return found.map((row) => {
    const shown = fields.filter(({ name }) => name in row)
    return Object.fromEntries(shown.map((field) => [field.name, jsonOf(field, row[field.name])]))
  })
}

type Values = Readonly<Record<string, unknown>>

async function parquetRows(octets: Buffer): Promise<readonly Values[]> {
  const { buffer, byteOffset, length } = octets
  const file = buffer.slice(byteOffset, byteOffset + length) as ArrayBuffer
  return parquetReadObjects({
    file,
    compressors: { ZSTD: (input) => zstdDecompressSync(input) },
    // A Date has milliseconds only.
    parsers: { timestampFromNanoseconds: (ns: bigint) => ns } as never,
  })
}

function arrowRows(octets: Buffer): readonly Values[] {
  const table: ArrowTable = tableFromIPC(octets)
  const rows: Record<string, unknown>[] = Array.from({ length: table.numRows }, () => ({}))
  for (const { name, type } of table.schema.fields) {
    const column = table.getChild(name)
    let at = 0
    for (const chunk of column?.data ?? []) {
      // Its getter makes milliseconds of a time.
      const isTime = String(type).startsWith('Timestamp')
      for (let row = 0; row < chunk.length; row++, at++) {
        const value = column?.get(at)
        const whole = isTime && value !== null ? chunk.values[row] : value
        const own = rows[at] as Record<string, unknown>
        own[name] = typeof whole === 'object' && whole !== null ? [...whole] : whole
      }
    }
  }
  return rows
}

function jsonOf({ kind }: Field, value: unknown): JsonValue {
  if (value === null || value === undefined) return null
  if (kind === 'time') return rfc3339(value as bigint)
  if (kind === 'id') return String(value)
  return typeof value === 'bigint' ? Number(value) : (value as JsonValue)
}
