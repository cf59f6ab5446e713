// Debian's Prometheus and promtool as readers of /metrics: the text is clean, the rules are right, every query of every
// panel answers while known traffic runs, and the increase of the byte counters is that traffic to the octet.

import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { freePort } from '../../common/free-port.fake.ts'
import { type River, spawnWeir, withRiver } from '../river.ts'
import { type Lab, openPair, until, withNamespaces } from '../traffic/mod.ts'
import { missing, pathOf } from './program.ts'

const skip = missing('prometheus', 'promtool')
const deploy = fileURLToPath(new URL('../../deploy/', import.meta.url))
const sent = 123_457
const answered = 654_321

test('promtool: the rules load, and their unit tests pass', { skip }, () => {
  for (const args of [
    ['check', 'rules', 'weir.rules.yml'],
    ['check', 'config', 'prometheus.yml'],
    ['test', 'rules', 'weir.test.yml'],
  ]) {
    const done = promtool(args, { cwd: join(deploy, 'prometheus') })
    assert.equal(done.status, 0, `${args.join(' ')}: ${done.stdout}${done.stderr}`)
  }
})

test(
  'Prometheus scrapes central and agent: what it has is the traffic, every query answers',
  {
    skip,
    timeout: 240_000,
  },
  () =>
    withNamespaces(2, async (lab) => {
      const metrics = `127.0.0.1:${await freePort()}`
      const args = ['--metrics', metrics, '--metrics-labels', labels, '--interval', '500ms']
      await withRiver({ args }, async (river) => {
        const prometheus = await startPrometheus(river, metrics)
        try {
          await prometheus.until('both targets to be up', 'sum(up) == 2')
          await talk(lab)
          await checkBytes(prometheus, lab)
          await checkRules(prometheus)
          await checkPanels(prometheus)
          await checkText(river, metrics)
          await checkMap(river)
          await checkPreview(river)
        } catch (error) {
          console.error(prometheus.output())
          throw error
        } finally {
          await prometheus.stop()
        }
      })
    }),
)

/** The default ones of the rules and dashboards, and the namespace that tells this test's traffic from the host's. */
const labels = 'src_namespace,src_workload,dst_namespace,dst_workload,src_netns,dst_netns'

/** One connection with known octets in both directions, and one that is refused. */
async function talk(lab: Lab): Promise<void> {
  const [client, server] = [await lab.peer(0, 'client'), await lab.peer(1, 'server')]
  const pair = await openPair({ lab, name: 'prometheus', client, server, version: 'v4' })
  await pair.forth(sent)
  await pair.back(answered)
  await pair.client.close()
  await pair.server.close()
  await client.tell({ op: 'connect', id: 'refused', address: lab.address(1, 'v4'), port: 9 })
}

async function checkBytes(prometheus: Prometheus, lab: Lab): Promise<void> {
  const [client, server] = [lab.netns(0).inode, lab.netns(1).inode]
  const series = (from: number, to: number) =>
    `obi_network_flow_bytes_total{job="weir-central",src_netns="${from}",dst_netns="${to}"}`
  for (const [selector, bytes] of [
    [series(client, server), sent],
    [series(server, client), answered],
  ] as const) {
    await prometheus.until(`${bytes} octets in ${selector}`, `sum(${selector}) == ${bytes}`)
    // At the time of a sample nothing is extrapolated behind it, and a counter that began at 0 not before it.
    const [at] = await prometheus.query(`max(timestamp(${selector}))`)
    const time = at?.value ?? Number.NaN
    const [grown] = await prometheus.query(`sum(increase(${selector}[10m]))`, time)
    assert.equal(Math.round(grown?.value ?? Number.NaN), bytes, `increase of ${selector}`)
  }
}

async function checkRules(prometheus: Prometheus): Promise<void> {
  const text = readFileSync(join(deploy, 'prometheus', 'weir.rules.yml'), 'utf8')
  const records = [...text.matchAll(/record: (\S+)/g)].map(([, name]) => name as string)
  assert.ok(records.length >= 6)
  for (const name of records) await prometheus.until(`the rule ${name}`, name)
  const { data } = await prometheus.ask<Rules>('/api/v1/rules')
  for (const rule of data.groups.flatMap(({ rules }) => rules)) {
    assert.equal(rule.lastError ?? '', '', rule.name)
  }
}

async function checkPanels(prometheus: Prometheus): Promise<void> {
  const queries = globSync(join(deploy, 'grafana', 'dashboards', '*.json')).flatMap((file) => {
    const { panels } = JSON.parse(readFileSync(file, 'utf8')) as Dashboard
    return panels.flatMap(({ targets }) => targets.flatMap(({ expr }) => expr ?? []))
  })
  assert.ok(queries.length >= 20)
  for (const query of new Set(queries)) {
    if (unmeasured.some((name) => query.includes(name))) await prometheus.query(query)
    else await prometheus.until('data of a panel', query)
  }
  for (const name of unmeasured) {
    const there = await prometheus.query(`{__name__=~"${name}.*"}`)
    assert.deepEqual(there, [], `${name} has data: its panel is to be asked for it`)
  }
}

/** No probe measures them yet: their panels are empty, and show no zero. */
const unmeasured = ['weir_dns_lookups_total', 'dns_lookup_duration_seconds']

/** The text form by promtool; OpenMetrics is what Prometheus itself has read above. */
async function checkText(river: River, metrics: string): Promise<void> {
  for (const base of [river.base, `http://${metrics}`]) {
    const response = await fetch(`${base}/metrics`)
    assert.match(response.headers.get('content-type') ?? '', /^text\/plain; version=0.0.4/)
    const done = promtool(['check', 'metrics'], { input: await response.text() })
    assert.equal(done.status, 0, `${base}: ${done.stdout}${done.stderr}`)
  }
  const accept = 'application/openmetrics-text; version=1.0.0'
  const open = await fetch(`${river.base}/metrics`, { headers: { accept } })
  assert.match(open.headers.get('content-type') ?? '', /^application\/openmetrics-text/)
  assert.match(await open.text(), /obi_network_flow_bytes_created\{.*\n# EOF\n$/s)
}

/**
 * The URL of the dashboard's node graph, as Grafana fills it in. Its answer is from the store, which may have rows later
 * than /metrics: a question waits for them for a moment only.
 */
async function checkMap(river: River): Promise<void> {
  const file = readFileSync(join(deploy, 'grafana', 'dashboards', 'service-map.json'), 'utf8')
  const [, path = ''] = /"url": "(\/api\/graph\/data[^"]+)"/.exec(file) ?? []
  assert.notEqual(path, '')
  await until('the traffic on the map', async () => {
    const filled = path
      .replace(/\$\{__from[^}]*\}/, new Date(Date.now() - 900_000).toISOString())
      .replace(/\$\{__to[^}]*\}/, new Date().toISOString())
    const response = await fetch(`${river.base}${filled}`)
    if (response.status === 503) return false
    assert.equal(response.status, 200, `${filled}: ${await response.clone().text()}`)
    const { nodes, edges } = (await response.json()) as ServiceMap
    const ids = new Set(nodes.map(({ id }) => id))
    assert.ok(edges.every(({ source, target }) => ids.has(source) && ids.has(target)))
    return edges.reduce((sum, edge) => sum + edge.detail__bytes, 0) >= sent + answered
  })
}

/** What the store says of a choice of labels is what the series of that choice are. */
async function checkPreview(river: River): Promise<void> {
  const text = await (await fetch(`${river.base}/metrics`)).text()
  const seen = text.match(/^obi_network_flow_packets_total\{.*direction="request"\}/gm) ?? []
  assert.ok(seen.length > 0)
  // Asked afterwards: other traffic of the host may add to it meanwhile.
  await until(`${seen.length} label sets in the preview`, async () => {
    const args = ['metrics', 'preview', '--labels', labels, '-o', 'json', '--server', river.base]
    const weir = spawnWeir(args, {})
    assert.equal(await weir.ended, 0, weir.output())
    const { label_sets } = JSON.parse(weir.output()) as { readonly label_sets: number }
    return label_sets >= seen.length
  })
}

interface ServiceMap {
  readonly nodes: readonly { readonly id: string }[]
  readonly edges: readonly {
    readonly source: string
    readonly target: string
    readonly detail__bytes: number
  }[]
}

interface Rules {
  readonly data: {
    readonly groups: readonly {
      readonly rules: readonly { readonly name: string; readonly lastError?: string }[]
    }[]
  }
}

interface Dashboard {
  readonly panels: readonly { readonly targets: readonly { readonly expr?: string }[] }[]
}

interface Sample {
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

interface Prometheus {
  ask<T>(path: string): Promise<T>
  query(query: string, time?: number): Promise<readonly Sample[]>
  /** Waits until the query answers with something. */
  until(what: string, query: string): Promise<void>
  output(): string
  stop(): Promise<void>
}

async function startPrometheus(river: River, metrics: string): Promise<Prometheus> {
  const folder = mkdtempSync(join(tmpdir(), 'weir-prometheus-'))
  const config = readFileSync(join(deploy, 'prometheus', 'prometheus.yml'), 'utf8')
    .replace('scrape_interval: 15s', 'scrape_interval: 1s\n  evaluation_interval: 1s')
    .replace('weir.rules.yml', join(deploy, 'prometheus', 'weir.rules.yml'))
    .replace('127.0.0.1:8080', new URL(river.base).host)
    .replace('127.0.0.1:9090', metrics)
  writeFileSync(join(folder, 'prometheus.yml'), config)
  const address = `127.0.0.1:${await freePort()}`
  const child = spawn(
    pathOf('prometheus') as string,
    [
      `--config.file=${folder}/prometheus.yml`,
      `--storage.tsdb.path=${folder}/data`,
      `--web.listen-address=${address}`,
    ],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  )
  let output = ''
  child.stderr.on('data', (part: Buffer) => (output += part))
  const ended = new Promise((resolve) => child.once('exit', resolve))
  const ask = async <T>(path: string): Promise<T> =>
    (await (await fetch(`http://${address}${path}`)).json()) as T
  const query = async (text: string, time?: number): Promise<readonly Sample[]> => {
    const at = time === undefined ? '' : `&time=${time}`
    const answer = await ask<QueryAnswer>(`/api/v1/query?query=${encodeURIComponent(text)}${at}`)
    assert.equal(answer.status, 'success', `${text}: ${answer.error}`)
    return (answer.data?.result ?? []).map(({ metric, value }) => ({
      labels: metric,
      value: Number(value[1]),
    }))
  }
  await until('Prometheus to be ready', () =>
    fetch(`http://${address}/-/ready`).then(
      ({ ok }) => ok,
      () => false,
    ),
  )
  return {
    ask,
    query,
    until: async (what, text) => {
      await until(`${what}: ${text}`, async () => (await query(text)).length > 0, 60_000)
    },
    output: () => output,
    stop: async () => {
      child.kill('SIGTERM')
      await ended
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

interface QueryAnswer {
  readonly status: string
  readonly error?: string
  readonly data?: {
    readonly result: readonly {
      readonly metric: Readonly<Record<string, string>>
      readonly value: readonly [number, string]
    }[]
  }
}

function promtool(
  args: readonly string[],
  options: { readonly cwd?: string; readonly input?: string },
) {
  return spawnSync(pathOf('promtool') as string, [...args], { encoding: 'utf8', ...options })
}
