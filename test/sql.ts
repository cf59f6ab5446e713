// Statements to the storage worker over its socket, beside the store's own reader: to fill tables, and to
// ask for the engine's own figures.

import { text } from 'node:stream/consumers'

export interface Sql {
  /** Runs a statement; settings are the engine's. Throws what the engine says. */
  run(statement: string, settings?: Readonly<Record<string, string | number>>): Promise<string>
}

export function createSql(socketPath: string): Sql {
  return {
    run: async (statement, settings = {}) => {
      const { request } = process.getBuiltinModule('node:http')
      const query = new URLSearchParams(
        Object.entries(settings).map(([name, value]): [string, string] => [name, String(value)]),
      )
      return new Promise((resolve, reject) => {
        const asked = request({ socketPath, path: `/?${query}`, method: 'POST' }, (answer) => {
          text(answer).then(
            (body) => (answer.statusCode === 200 ? resolve(body) : reject(new Error(body))),
            reject,
          )
        })
        asked.once('error', reject)
        asked.end(statement)
      })
    },
  }
}
