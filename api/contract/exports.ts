// What /api/exports says: who else gets the rows, and how far each of them is.

import { type Static, Type } from 'typebox'

const time = (description: string) =>
  Type.Union([Type.String({ format: 'date-time' }), Type.Null()], { description })
const rows = (description: string) => Type.Integer({ description })

const exportStatus = Type.Object({
  name: Type.String({ description: 'Its name in the configuration file.' }),
  kind: Type.String({ description: 'What it speaks: postgresql, otlp, ipfix …' }),
  target: Type.String({ description: 'Where the receiver is, without secrets.' }),
  tables: Type.Array(Type.String(), { description: 'Whose rows it gets.' }),
  state: Type.Union([Type.Literal('ok'), Type.Literal('retrying'), Type.Literal('starting')], {
    description:
      'ok: the last rows were taken. retrying: the receiver does not take them. starting: nothing was sent yet.',
  }),
  lag_rows: rows('Rows that wait for the receiver.'),
  lag_ms: rows('How long the oldest of them waits.'),
  rows: rows('Rows that the receiver has taken since central started.'),
  filtered_rows: rows('Rows that do not pass the filter of the export.'),
  lost_rows: rows('Rows that the receiver will never get; weir ledger says why.'),
  repeated_rows: rows('Rows sent a second time, because nobody knows what became of the first.'),
  failures: rows('Tries that the receiver did not take.'),
  last_success: time('When the receiver last took rows.'),
  last_error: Type.String({ description: 'What went wrong last; empty for nothing.' }),
  last_error_time: time('When that was.'),
})

export const exportsAnswer = Type.Object(
  { rows: Type.Array(exportStatus) },
  { title: 'ExportsAnswer' },
)

export type ExportStatus = Static<typeof exportStatus>
export type ExportsAnswer = Static<typeof exportsAnswer>
