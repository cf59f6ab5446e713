// One host measured twice by mistake, and a host whose clock is wrong: noticed, said, and nothing is there twice.

import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { createAgent } from '../../agent/mod.ts'
import type { Health } from '../../api/contract/mod.ts'
import { createReporter } from '../../common/reporter/mod.ts'
import { type Api, apiAt, type StartedWeir, spawnWeir, watching } from '../river.ts'
import { type Connection, type Lab, serverCase, until, withNamespaces } from '../traffic/mod.ts'
import { whole } from './compare.ts'

interface Ground {
  readonly folder: string
  readonly api: Api
  readonly upstream: string
  health(): Promise<Health>
  agent(name: string, node: string, more?: readonly string[]): StartedWeir
}

/** A central alone; whatever was started with it is gone afterwards. */
async function withCentral(work: (ground: Ground) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'weir-two-'))
  const started: StartedWeir[] = []
  const weir = (args: readonly string[]): StartedWeir => {
    const one = spawnWeir(args)
    started.push(one)
    return one
  }
  try {
    const data = join(folder, 'central')
    const central = weir(['central', '--data', data, '--listen', '127.0.0.1:0', '--ingest', 'unix'])
    const base = await until(
      'central',
      () => /http:\/\/127\.0\.0\.1:\d+/.exec(central.output())?.[0],
      20_000,
    )
    const upstream = join(data, 'ingest.sock')
    const agent = (name: string, node: string, more: readonly string[] = []) => {
      const flags = ['--data', join(folder, name), '--node', node, '--interval', '1s']
      return weir([
        'agent',
        ...flags,
        '--upstream',
        `unix:${upstream}`,
        '--metrics',
        'off',
        ...more,
      ])
    }
    const health = async () => (await (await fetch(`${base}/health`)).json()) as Health
    await work({ folder, api: apiAt(base), upstream, health, agent })
  } catch (error) {
    for (const { output } of started) console.error(`--- weir said:\n${output()}---`)
    throw error
  } finally {
    for (const { child, ended } of started.toReversed()) {
      child.kill('SIGINT')
      const limit = setTimeout(() => child.kill('SIGKILL'), 10_000)
      await ended
      clearTimeout(limit)
    }
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Waits until the API has all of them, and gives what they add up to. */
async function truthOf(api: Api, lab: Lab, truths: readonly Connection[]) {
  for (const truth of truths) assert.equal((await whole(api, lab, truth)).bytes, truth.bytes)
  return { opened: truths.length, bytes: truths.reduce((sum, { bytes }) => sum + bytes, 0) }
}

async function totals(api: Api, lab: Lab): Promise<{ opened: number; bytes: number }> {
  const range = { from: '-15m', src_netns: lab.netns(0).inode }
  const row = (await api.get('/api/top', { by: 'protocol', ...range })).rows[0]
  return { opened: Number(row?.['opened'] ?? 0), bytes: Number(row?.['bytes'] ?? 0) }
}

const isLive = (health: Health, node: string) =>
  health.nodes.some((one) => one.node === node && one.state === 'live')

test(
  'two agents with one node name: the second is refused and says so, totals are there once, it takes over',
  {
    timeout: 150_000,
  },
  () =>
    withCentral(({ api, health, agent }) =>
      withNamespaces(2, async (lab) => {
        const first = agent('first', 'twin')
        await until('the first agent', async () => isLive(await health(), 'twin'), 20_000)
        const second = agent('second', 'twin')
        const sick = await until(
          'health to say so',
          async () => {
            const said = await health()
            return said.nodes[0]?.message !== '' && said
          },
          20_000,
        )
        assert.equal(sick.status, 'degraded')
        assert.match(
          sick.nodes[0]?.message ?? '',
          /a second agent .* reports as twin and is refused/,
        )
        await until('the second to say so', () => /belongs to another agent/.test(second.output()))
        const rest = await serverCase('alone', 5).begin(lab)
        const before = await rest()
        const truth = await truthOf(api, lab, before)
        assert.deepEqual(await totals(api, lab), truth)

        first.child.kill('SIGINT')
        assert.equal(await first.ended, 0)
        await until(
          'the second to watch',
          () => /central takes this agent, watching/.test(second.output()),
          40_000,
        )
        const all = await truthOf(api, lab, [...before, ...(await rest())])
        assert.deepEqual(await totals(api, lab), all)
      }),
    ),
)

test(
  'two agents of one host under two names: said at both, because every byte is there twice',
  {
    timeout: 60_000,
  },
  () =>
    withCentral(async ({ health, agent }) => {
      agent('first', 'left')
      agent('second', 'right')
      const said = await until(
        'health to say so',
        async () => {
          const now = await health()
          return now.nodes.length === 2 && now.status === 'degraded' && now
        },
        20_000,
      )
      for (const { message } of said.nodes) assert.match(message, /are one host with 2 agents/)
    }),
)

test(
  'an agent whose clock is an hour ahead: default questions answer, nothing twice, the offset is said',
  {
    timeout: 90_000,
  },
  () =>
    withCentral(({ folder, api, upstream, health }) =>
      withNamespaces(2, async (lab) => {
        const beganMs = Date.now()
        const agent = createAgent(
          {
            dataDir: join(folder, 'agent'),
            node: 'ahead',
            intervalMs: 1_000,
            clockShiftMs: 3_600_000,
            upstream: { path: upstream },
          },
          createReporter('agent', { level: 'fatal' }),
        )
        await agent.start()
        try {
          await watching(api, beganMs)
          const rest = await serverCase('alone', 5).begin(lab)
          const truth = await truthOf(api, lab, await rest())
          assert.deepEqual(await totals(api, lab), truth)
          const { nodes, status } = await health()
          assert.equal(status, 'degraded')
          assert.ok(Math.abs((nodes[0]?.clock_offset_ms ?? 0) - 3_600_000) < 5_000)
          assert.match(nodes[0]?.message ?? '', /3600 s ahead/)
          const { coverage } = await api.get('/api/flows', { from: '-1m', limit: 1 })
          assert.equal(coverage.share, 1)
        } finally {
          await agent.stop()
        }
      }),
    ),
)
