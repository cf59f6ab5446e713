// GET /api/export/flows and /api/export/events: the rows of a range as files of Parquet or Arrow, in parts. Every part
// is a whole file; `weir-next` is the cursor of the next one.

import { createReadStream } from 'node:fs'
import { rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { FileWriter } from '../../store/mod.ts'
import { type QuestionOptions, writePart } from '../../store/query/mod.ts'
import { eventTable, type Field, flowTable, type Table } from '../../wire/mod.ts'
import { eventPartParameters, exportFormats, flowPartParameters } from '../contract/mod.ts'
import { apiError } from '../errors.ts'
import { encodeCursor } from '../question/cursor.ts'
import { filterOf } from '../question/filters.ts'
import type { Query } from '../question/query.ts'
import { momentOf } from '../question/time.ts'
import { limitOf } from './define-question.ts'
import type { RouteDeps } from './deps.ts'
import { fileResponses } from './responses.ts'
import { cursorOf } from './rows-page.ts'

/** Parts that are written at once: each may need a hundred megabytes of the disk and of the engine's memory. */
const partsMax = 2
const secondsMax = 120

export function exportRoutes(app: FastifyInstance, deps: RouteDeps): void {
  const written = createParts(deps)
  for (const [table, querystring] of [
    [flowTable, flowPartParameters],
    [eventTable, eventPartParameters],
  ] as const) {
    const schema = {
      summary: `Rows of ${table.name} as files, in the order of time`,
      description:
        'Each answer is a whole file. `weir-rows` says how many rows it has, `weir-first` and `weir-last` their first and last time, `weir-next` the `cursor` of the next part; on the last there is none.',
      tags: [table.name],
      querystring,
      response: fileResponses(Object.values(exportFormats).map(({ type }) => type)),
    }
    app.get(`/api/export/${table.name}`, { schema }, (request, reply) =>
      written(table, request, reply),
    )
  }
}

function createParts({ reader, files, ask, nowNs }: RouteDeps) {
  let count = 0
  let running = 0

  return async (table: Table, request: FastifyRequest, reply: FastifyReply): Promise<unknown> => {
    if (!files) throw apiError('not_found', { details: { path: request.url } })
    if (running >= partsMax) throw apiError('busy', { details: { count: running } })
    const query = request.query as Query
    const format = exportFormats[query['format'] as keyof typeof exportFormats]
    const file = join(files.scratch, `part-${++count}`)
    running++
    try {
      const target = { table, files, file, format }
      const part = await ask(reply, (options) => write(query, options, target))
      const { size } = await stat(file)
      reply.header('weir-rows', part.rows)
      if (part.rows > 0) reply.header('weir-first', part.first).header('weir-last', part.last)
      if (part.next !== null) reply.header('weir-next', part.next)
      reply.header('content-length', size).type(format.type)
      const octets = createReadStream(file)
      // Once it is open, its name is not needed.
      await new Promise((resolve, reject) => octets.once('open', resolve).once('error', reject))
      return await reply.send(octets)
    } finally {
      running--
      await rm(file, { force: true })
    }
  }

  async function write(query: Query, options: QuestionOptions, target: Target) {
    const { table, files, file, format } = target
    const cursor = cursorOf(query, byTime(table))
    const moment = cursor ?? momentOf(query, nowNs())
    const filter = filterOf(table, query, moment.nowNs)
    const after = cursor ? { after: cursor.after } : {}
    const question = { table, range: moment.range, filter, limit: limitOf(query), ...after }
    const store = { ...files, read: reader.read }
    const bounds = { ...options, timeoutSeconds: secondsMax }
    const part = await writePart(store, question, { file, format: format.engine }, bounds)
    const next = part.after && encodeCursor(query, { ...moment, after: part.after })
    return { ...part, next }
  }
}

interface Target {
  readonly table: Table
  readonly files: FileWriter
  readonly file: string
  readonly format: (typeof exportFormats)[keyof typeof exportFormats]
}

function byTime({ fields }: Table): Field {
  return fields.find(({ name }) => name === 'time') as Field
}
