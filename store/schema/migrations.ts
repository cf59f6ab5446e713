// What an older version's data folder needs before this version uses it. A step is numbered for good; which were
// done stands in the table `schema_steps`. New columns need no step: they are added first (addColumnsSql). Every
// step may be interrupted anywhere: it is then done again from its beginning.

import type { Reporter } from '../../common/mod.ts'
import type { SchemaDoor, Step } from './step.ts'
import { rewriteFlows } from './steps/001-flows-by-workload.ts'

/** In order; numbers are never used again. */
export const steps: readonly Step[] = [
  { number: 1, title: 'flows are ordered by workload', run: rewriteFlows },
]

const createSql = `CREATE TABLE IF NOT EXISTS schema_steps
(\`number\` UInt16, \`title\` String, \`done\` DateTime64(3, 'UTC') DEFAULT now64(3))
ENGINE = MergeTree ORDER BY number SETTINGS fsync_after_insert = 1, fsync_part_directory = 1`

/** Steps that this store still needs. `isNew`: its tables were made by this version just now, so none. */
export async function openSteps(door: SchemaDoor, isNew: boolean): Promise<readonly Step[]> {
  await door.command(createSql)
  if (isNew) for (const step of steps) await markDone(door, step)
  const rows = await door.read('SELECT number FROM schema_steps')
  const done = new Set(rows.map((row) => Number(row['number'])))
  return steps.filter(({ number }) => !done.has(number))
}

/** Runs the steps in order; progress is logged every few seconds. */
export async function runSteps(
  door: SchemaDoor,
  open: readonly Step[],
  { log }: Pick<Reporter, 'log'>,
): Promise<void> {
  for (const step of open) {
    const { number, title } = step
    const startedMs = Date.now()
    let saidMs = startedMs
    log.info({ step: number, title }, 'bringing the store up to date')
    await step.run(door, (share) => {
      if (Date.now() - saidMs < 3_000) return
      saidMs = Date.now()
      log.info({ step: number, percent: Math.floor(share * 100) }, 'bringing the store up to date')
    })
    await markDone(door, step)
    log.info({ step: number, ms: Date.now() - startedMs }, 'the store is up to date')
  }
}

async function markDone(door: SchemaDoor, { number, title }: Step): Promise<void> {
  await door.command(`INSERT INTO schema_steps (number, title) VALUES (${number}, '${title}')`)
}
