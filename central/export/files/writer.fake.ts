// A process that exports rows until it is killed, or stops when all are out. It prints how many rows are in the journal.
//   node writer.fake.ts DATA EXPORT FROM TO

import { setTimeout as delay } from 'node:timers/promises'
import type { ExportConfig } from '../config.ts'
import { createExportsFake, flowRows } from '../rows.fake.ts'

const [data = '', config = '', from = '0', to = '0'] = process.argv.slice(2)
const fake = createExportsFake(data, [JSON.parse(config) as ExportConfig])
await fake.start()
const step = 50
for (let row = Number(from); row < Number(to); row += step) {
  await fake.append(flowRows(row, step))
  process.stdout.write(`${row + step}\n`)
}
while (fake.exports.list()[0]?.lag_rows !== 0) await delay(20)
await fake.stop()
