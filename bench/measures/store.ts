// How long the API's questions take over a day of rows that the engine makes itself (bench/store).

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createReporter } from '../../common/reporter/mod.ts'
import { createStore } from '../../store/mod.ts'
import { createSql } from '../../test/sql.ts'
import type { Finding, Measure, Plan } from '../finding.ts'
import { fillDay } from '../store/fill.ts'
import { measureQuestions } from '../store/questions.ts'

export const store: Measure = { name: 'store', run: measureStore }

async function measureStore({ quick, rows }: Plan): Promise<readonly Finding[]> {
  const dataDir = mkdtempSync(join(tmpdir(), 'weir-bench-store-'))
  const reporter = createReporter('bench', { level: 'silent' })
  const opened = createStore({ dataDir, retention: { bytesMax: 1e12 } }, reporter)
  try {
    await opened.start()
    const sql = createSql(join(dataDir, 'store.sock'))
    const size = rows ?? (quick ? 200_000 : 10_000_000)
    const filled = await fillDay(sql, size, Math.floor(Date.now() / 1000))
    const octets = Number(
      await sql.run("SELECT sum(bytes_on_disk) FROM system.parts WHERE active AND table = 'flows'"),
    )
    const disk = { what: `octets per row on disk, ${size} rows`, value: (octets / size).toFixed(1) }
    return [disk, ...(await measureQuestions(opened, filled, quick ? 1 : 7))]
  } finally {
    await opened.stop()
    rmSync(dataDir, { recursive: true, force: true })
  }
}
