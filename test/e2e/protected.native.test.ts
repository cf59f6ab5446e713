// Rules that drop everything cut off neither an agent from its central nor people from the page: the ports and the
// central are found from the processes that run. Two hosts: agent and central, XDP on both ends of the wire between them.

import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { mountBpffs } from '../../kernel/testing/bpffs.ts'
import { type StartedWeir, spawnWeir, weirProgram } from '../river.ts'
import { command, type Lab, until, withNamespaces } from '../traffic/mod.ts'

const [agentHost, centralHost] = [0, 1]

/** Ends what `work` starts, and takes the programs off. */
async function withHosts(work: (hosts: Hosts) => Promise<void>): Promise<void> {
  const bpffs = mountBpffs()
  const started: StartedWeir[] = []
  try {
    await withNamespaces(2, async (lab) => {
      const start = (at: number, args: readonly string[]) => {
        const one = spawnWeir(args, { WEIR_PIN_ROOT: root }, lab.netns(at).path)
        started.push(one)
        return one
      }
      const root = join(bpffs.folder, 'weir')
      try {
        await work({ lab, root, start })
      } catch (error) {
        for (const { output } of started) console.error(`--- weir said:\n${output()}---`)
        throw error
      } finally {
        for (const one of started.toReversed()) await stop(one)
      }
    })
  } finally {
    bpffs.remove()
  }
}

interface Hosts {
  readonly lab: Lab
  readonly root: string
  start(at: number, args: readonly string[]): StartedWeir
}

async function stop({ child, ended }: StartedWeir): Promise<void> {
  child.kill('SIGINT')
  const limit = setTimeout(() => child.kill('SIGKILL'), 20_000)
  await ended
  clearTimeout(limit)
}

async function startCentral({ lab, start }: Hosts) {
  const address = lab.address(centralHost, 'v4')
  const any = `${address}:0`
  const central = start(centralHost, [
    ...['central', '--data', join(lab.folder, 'central'), '--insecure'],
    ...['--listen', any, '--ingest', any],
  ])
  const said = await until(
    'the central',
    () => /running: http:\S+:(\d+); agents: .*?[^:/]:(\d+)$/m.exec(central.output()) ?? undefined,
  )
  return { address, page: Number(said[1]), ingest: Number(said[2]) }
}

/** Rules as root types them: attach, then a file. */
async function dropAll({ lab, root }: Hosts, at: number, more: readonly string[] = []) {
  const place = ['-i', at === agentHost ? 'r0' : 'l0', '--netns', lab.netns(at).path, '-p', root]
  await command(weirProgram, ['xdp', 'attach', '-m', 'generic', ...place])
  const file = join(lab.folder, 'all.rules')
  writeFileSync(file, 'drop from any label 1\n')
  await command(weirProgram, ['rules', 'apply', file, ...place, ...more])
  return {
    detach: () => command(weirProgram, ['xdp', 'detach', ...place]),
    protected: async () => {
      const text = await command(weirProgram, ['rules', 'protected', ...place, '-o', 'json'])
      return (JSON.parse(text) as { rows: readonly Record<string, unknown>[] }).rows
    },
  }
}

interface HealthNode {
  readonly node: string
  readonly state: string
  readonly last_seen: string
}

const ask = `import sys, urllib.request
print(urllib.request.urlopen(sys.argv[1], timeout=20).read().decode())`

async function nodesOf({ lab }: Hosts, page: string): Promise<readonly HealthNode[]> {
  const answer = await lab.run(agentHost, '/usr/bin/python3', '-c', ask, `${page}/health`)
  return (JSON.parse(answer) as { nodes: readonly HealthNode[] }).nodes
}

/** Whether a TCP connection from the agent's host comes about; a second is enough on a wire that is memory. */
async function connects({ lab }: Hosts, address: string, port: number): Promise<boolean> {
  const script = `import socket, sys
try:
  socket.create_connection((sys.argv[1], int(sys.argv[2])), 1).close()
  print("yes")
except TimeoutError:
  print("no")
except ConnectionRefusedError:
  print("yes")`
  const found = await lab.run(agentHost, '/usr/bin/python3', '-c', script, address, `${port}`)
  return found.trim() === 'yes'
}

test('a rule that drops everything cuts off neither the agent from its central nor people from the page', () =>
  withHosts(async (hosts) => {
    const { address, page, ingest } = await startCentral(hosts)
    const url = `http://${address}:${page}`
    hosts.start(agentHost, [
      ...['agent', '--data', join(hosts.lab.folder, 'agent'), '--node', 'protected-node'],
      ...['--interval', '250ms', '--metrics', 'off', '--upstream', `${address}:${ingest}`],
    ])
    const seen = async () =>
      (await nodesOf(hosts, url)).find((one) => one.node === 'protected-node')
    const before = await until('the agent', seen)
    // Whoever reads the page from the agent's host is no part of Weir: that way is named.
    const near = await dropAll(hosts, agentHost, ['--protect', `${address}:${page}`])
    const far = await dropAll(hosts, centralHost)
    try {
      assert.equal(await connects(hosts, address, 5), false, 'another port is cut off')
      const has = (list: readonly Record<string, unknown>[], port: number, name: string) =>
        list.some((one) => one[name] === port && one['found_by'] === 'weir')
      assert.ok(has(await far.protected(), page, 'to_port'), 'the port of the page')
      assert.ok(has(await far.protected(), ingest, 'to_port'), 'the port for agents')
      assert.ok(has(await near.protected(), ingest, 'from_port'), 'the central of the agent')
      // Reports keep coming, and the page answers.
      await until('a later report', async () => {
        const now = await seen()
        return now !== undefined && now.last_seen > before.last_seen
      })
    } finally {
      await near.detach()
      await far.detach()
    }
  }))

test('an agent that starts behind a rule that drops everything reaches its central', () =>
  withHosts(async (hosts) => {
    const { address, page, ingest } = await startCentral(hosts)
    const port = ['--protect', `${address}:${page}`]
    const near = await dropAll(hosts, agentHost, port)
    try {
      assert.equal(await connects(hosts, address, ingest), false, 'nobody has named it yet')
      hosts.start(agentHost, [
        ...['agent', '--data', join(hosts.lab.folder, 'agent'), '--node', 'late-node'],
        ...['--interval', '250ms', '--metrics', 'off', '--upstream', `${address}:${ingest}`],
      ])
      const url = `http://${address}:${page}`
      await until('the agent', async () =>
        (await nodesOf(hosts, url)).some((one) => one.node === 'late-node'),
      )
    } finally {
      await near.detach()
    }
  }))
