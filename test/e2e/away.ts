// An agent in this process that sees one namespace of a lab, and a central that comes and goes as the test wants.

import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type AgentConfig, createAgent } from '../../agent/mod.ts'
import { createCentral } from '../../central/mod.ts'
import { createReporter, type Reporter } from '../../common/reporter/mod.ts'
import { type Api, apiAt } from '../river.ts'
import { type Connection, type Lab, until } from '../traffic/mod.ts'

const newReporter = () => createReporter('test', { level: 'fatal' })

export interface AgentUnderTest {
  /** Where the test starts a central of its own. */
  readonly centralDir: string
  /** Rows that the spool has given up so far, as the agent's own metrics say. */
  lostBySpool(): Promise<number>
}

/** An agent that sees one namespace of the lab, and a folder for a central that the test starts itself. */
export async function withAgent(
  lab: Lab,
  limits: Partial<
    Pick<AgentConfig, 'spool' | 'ringBytes' | 'intervalMs' | 'connectionEvents' | 'rowFilter'>
  >,
  work: (agent: AgentUnderTest) => Promise<void>,
): Promise<void> {
  const reporter = newReporter()
  const folder = mkdtempSync(join(tmpdir(), 'weir-away-'))
  const [dataDir, centralDir] = [join(folder, 'agent'), join(folder, 'central')]
  for (const one of [dataDir, centralDir]) mkdirSync(one, { mode: 0o700 })
  const agent = createAgent(
    {
      dataDir,
      node: 'away',
      intervalMs: 500,
      upstream: { path: join(centralDir, 'ingest.sock') },
      filter: { netns: lab.netns(0).inode },
      ...limits,
    },
    reporter,
  )
  await agent.start()
  try {
    await work({ centralDir, lostBySpool: () => lostBySpool(reporter) })
  } finally {
    await agent.stop()
    rmSync(folder, { recursive: true, force: true })
  }
}

async function lostBySpool(reporter: Reporter): Promise<number> {
  const { text } = await reporter.metrics()
  return Number(/^weir_spool_lost_rows_total\{cause="spool_full"\} (\d+)$/m.exec(text)?.[1] ?? 0)
}

export async function withCentral(
  dataDir: string,
  work: (api: Api) => Promise<void>,
): Promise<void> {
  const listen = { host: '127.0.0.1', port: 0 }
  const central = createCentral({ dataDir, listen }, newReporter())
  await central.start()
  try {
    await work(apiAt(central.url()))
  } finally {
    await central.stop()
  }
}

/** An agent watches once it has had a first answer of central; from then on central may be away. */
export function meet(dataDir: string): Promise<void> {
  return withCentral(dataDir, watching)
}

export async function watching(api: Api): Promise<void> {
  await until('the agent', async () => (await api.get('/api/ledger')).rows.length > 0, 30_000)
}

/** Makes connections until `isDone`; returns how many. */
export async function makeUntil(
  what: string,
  more: () => Promise<readonly Connection[]>,
  isDone: () => Promise<boolean>,
): Promise<number> {
  let made = 0
  await until(
    what,
    async () => {
      made += (await more()).length
      return isDone()
    },
    120_000,
  )
  return made
}
