// The whole of `weir up`: how soon, how light at rest, and one minute of a busy host against the truth.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type River, spawnWeir, withRiver } from '../../test/river.ts'
import { type Lab, until, withNamespaces } from '../../test/traffic/mod.ts'
import { browserMissing, withBrowser } from '../../test/web/browser.ts'
import type { Finding, Measure, Plan } from '../finding.ts'
import { type LoadTruth, startLoad, startServers } from '../load/load.ts'
import { type CpuTime, cpuBetween, cpuTime, residentMb } from '../process-cost.ts'
import { median } from '../statistics.ts'

export const start: Measure = { name: 'start', run: measureStart }
export const rest: Measure = { name: 'rest', run: measureRest }
export const minute: Measure = { name: 'minute', run: measureMinute }

const roles = ['supervisor', 'agent', 'central', 'storage'] as const

/** With fifty silent sockets, so that there is something to show. */
function measureStart({ quick }: Plan): Promise<readonly Finding[]> {
  return withNamespaces(2, async (lab) => {
    await startLoad(lab, await startServers(lab), {
      live: 50,
      perSecond: 0,
      seconds: 0,
      clients: 1,
    })
    const [up, local]: [number[], number[]] = [[], []]
    for (let i = 0; i < (quick ? 1 : 5); i++) {
      up.push(await firstRow())
      local.push(await firstLocalOutput())
    }
    return [
      seconds('`weir up` to the first row in the API', up, 5),
      seconds('`weir flows --local` to its first output', local, 1),
    ]
  })
}

async function firstRow(): Promise<number> {
  const begun = performance.now()
  return withRiver({ args: ['--interval', '5s'] }, async (river) => {
    const first = () => river.get('/api/flows', { limit: 1 }).catch(() => undefined)
    await until('the first row', async () => ((await first())?.rows.length ?? 0) > 0, 30_000)
    return (performance.now() - begun) / 1000
  })
}

function seconds(what: string, values: readonly number[], goal: number): Finding {
  const [middle, worst] = [median(values), Math.max(...values)]
  return {
    what: `${what}, median of ${values.length}`,
    value: `${middle.toFixed(2)} s (worst ${worst.toFixed(2)})`,
    goal: `≤ ${goal} s`,
    holds: middle <= goal,
  }
}

async function firstLocalOutput(): Promise<number> {
  const begun = performance.now()
  const { child, ended, output } = spawnWeir(['flows', '--local'])
  const first = new Promise<number>((resolve) => {
    child.stdout?.once('data', () => resolve(performance.now() - begun))
  })
  await ended
  if (output() === '') throw new Error('weir flows --local showed nothing')
  return (await first) / 1000
}

/** 200 sockets that say nothing; Weir was started once before on the same data, as on any day but the first. */
async function measureRest(plan: Plan): Promise<readonly Finding[]> {
  const data = mkdtempSync(join(tmpdir(), 'weir-bench-'))
  try {
    // Compiled code is kept in the data folder: the first start of all has nothing to find there.
    const first = await withRiver({ data, args: ['--interval', '5s'] }, async (river) => {
      await pass(plan.quick ? 1_000 : 10_000)
      return memory(river, 'agent', 'soon after the first start of all')
    })
    return [...(await withNamespaces(2, (lab) => measureQuiet(plan, lab, data))), first]
  } finally {
    rmSync(data, { recursive: true, force: true })
  }
}

async function measureQuiet({ quick }: Plan, lab: Lab, data: string): Promise<readonly Finding[]> {
  const servers = await startServers(lab)
  await startLoad(lab, servers, { live: 200, perSecond: 0, seconds: 0 })
  return withRiver({ data, args: ['--interval', '5s'] }, async (river) => {
    const lengthMs = quick ? 3_000 : 60_000
    await pass(quick ? 1_000 : 10_000)
    const cpu = await sharesOver(river, lengthMs, 'at rest, 200 sockets', { agent: 0.5 })
    const memories = [restMemory(river, 'agent', 100), restMemory(river, 'central', 150)]
    return [...cpu, ...memories, ...(await withOpenPage(river, lengthMs))]
  })
}

/** The Overview in a browser, live; nothing without a browser. */
async function withOpenPage(river: River, lengthMs: number): Promise<readonly Finding[]> {
  if (browserMissing() !== undefined) return []
  return withBrowser(async ({ page, answered }) => {
    await page.goto(river.base)
    await answered()
    await pass(lengthMs / 6)
    return sharesOver(river, lengthMs, 'with one page open', { storage: 1 })
  })
}

async function sharesOver(
  river: River,
  lengthMs: number,
  when: string,
  goals: Partial<Record<(typeof roles)[number], number>>,
): Promise<readonly Finding[]> {
  const before = costs(river)
  await pass(lengthMs)
  const after = costs(river)
  return roles.map((role) => {
    const share = (cpuBetween(before[role], after[role]).allMs / lengthMs) * 100
    const goal = goals[role]
    return {
      what: `CPU of ${role} ${when} over ${lengthMs / 1000} s`,
      value: `${share.toFixed(2)} % of a core`,
      ...(goal === undefined ? {} : { goal: `< ${goal} %`, holds: share < goal }),
    }
  })
}

function pass(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

function costs(river: River): Readonly<Record<(typeof roles)[number], CpuTime>> {
  const of = (role: (typeof roles)[number]) => cpuTime(river.pid(role)!)
  return {
    supervisor: of('supervisor'),
    agent: of('agent'),
    central: of('central'),
    storage: of('storage'),
  }
}

function restMemory(river: River, role: 'agent' | 'central', goal: number): Finding {
  const { what, value, mb } = memory(river, role, 'at rest')
  return { what, value, goal: `≤ ${goal} MB`, holds: mb <= goal }
}

async function measureMinute(plan: Plan): Promise<readonly Finding[]> {
  const data = mkdtempSync(join(tmpdir(), 'weir-bench-'))
  try {
    await withRiver({ data }, async () => {}) // as above
    return await withNamespaces(2, (lab) => measureLoad(plan, lab, data))
  } finally {
    rmSync(data, { recursive: true, force: true })
  }
}

function measureLoad({ quick }: Plan, lab: Lab, data: string): Promise<readonly Finding[]> {
  const [live, perSecond, length] = quick ? [400, 100, 3] : [20_000, 2_000, 60]
  return withRiver({ data, args: ['--interval', '5s'] }, async (river) => {
    const servers = await startServers(lab)
    const before = costs(river)
    const load = await startLoad(lab, servers, { live, perSecond, seconds: length })
    const running = load.run()
    await pass(length * 500)
    const half = { costs: costs(river), rows: (await stored(river, lab)).rows }
    const truth = await running
    const ends = await settled(river, lab, truth, live)
    const after = costs(river)
    return [
      ...exactness(truth, ends, live),
      ...perRowFindings('', cpuBetween(before.agent, after.agent), ends.rows),
      ...perRowFindings(
        ', second half',
        cpuBetween(half.costs.agent, after.agent),
        ends.rows - half.rows,
      ),
      ...cpuFindings(before, after),
      memory(river, 'agent', 'after the load'),
      memory(river, 'central', 'after the load'),
    ]
  })
}

interface Stored {
  readonly opened: number
  readonly bytes: number
  readonly reverse_bytes: number
  readonly rows: number
  readonly lost: number
}

/** Waits until the API has what the truth says, or stops changing for ten seconds. */
async function settled(river: River, lab: Lab, truth: LoadTruth, live: number): Promise<Stored> {
  let [last, since] = [await stored(river, lab), performance.now()]
  while (last.opened + last.lost < truth.opened || last.bytes < truth.bytes) {
    await pass(500)
    const next = await stored(river, lab)
    if (next.bytes !== last.bytes || next.opened !== last.opened) since = performance.now()
    else if (performance.now() - since > 10_000) break
    last = next
  }
  return { ...last, rows: Math.max(last.rows, live) }
}

async function stored(river: River, lab: Lab): Promise<Stored> {
  const range = { from: '-10m', src_netns: lab.netns(0).inode }
  const top = await river.get('/api/top', { by: 'protocol', ...range })
  const ledger = await river.get('/api/ledger', { from: '-10m', stage: 'spool' })
  const row = top.rows[0] ?? {}
  const sum = (name: string) =>
    ledger.rows
      .filter((one) => one['cause'] === '')
      .reduce((all, one) => all + Number(one[name]), 0)
  return {
    opened: Number(row['opened'] ?? 0),
    bytes: Number(row['bytes'] ?? 0),
    reverse_bytes: Number(row['reverse_bytes'] ?? 0),
    rows: sum('entered'),
    lost: Object.values(top.coverage.lost).reduce((all, one) => all + one, 0),
  }
}

function exactness(truth: LoadTruth, ends: Stored, live: number): Finding[] {
  const same = (what: string, got: number, want: number): Finding => ({
    what: `${what} stored, of ${want} made (${live} live sockets)`,
    value: String(got),
    goal: String(want),
    holds: got === want,
  })
  return [
    same('new connections', ends.opened, truth.opened),
    same('octets sent', ends.bytes, truth.bytes),
    same('octets received', ends.reverse_bytes, truth.reverse_bytes),
    { what: 'lost, by the ledger', value: String(ends.lost), goal: '0', holds: ends.lost === 0 },
  ]
}

/** The first half of the minute also pays for compiling; the second is what a running agent costs. */
function perRowFindings(
  when: string,
  { userMs, allMs }: ReturnType<typeof cpuBetween>,
  rows: number,
): Finding[] {
  const finding = (what: string, ms: number, goal: number): Finding => {
    const us = (ms * 1000) / rows
    return { what, value: `${us.toFixed(2)} µs`, goal: `≤ ${goal} µs`, holds: us <= goal }
  }
  return [
    finding(`agent CPU per row, user (${rows} rows${when})`, userMs, 2),
    finding(`agent CPU per row, user and system${when}`, allMs, 4),
  ]
}

function cpuFindings(before: ReturnType<typeof costs>, after: ReturnType<typeof costs>): Finding[] {
  return roles.map((role) => {
    const { userMs, systemMs } = cpuBetween(before[role], after[role])
    return {
      what: `CPU of ${role} over the load`,
      value: `${userMs} ms user, ${systemMs} ms system`,
    }
  })
}

function memory(river: River, role: 'agent' | 'central', when: string) {
  const mb = residentMb(river.pid(role)!)
  return { what: `RSS of ${role} ${when}`, value: `${mb.toFixed(0)} MB`, mb }
}
