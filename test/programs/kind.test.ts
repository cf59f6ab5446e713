// The files of the kind cluster fit together, and the sample service answers. The cluster itself needs docker.

import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { parse, parseAllDocuments } from 'yaml'

const pathOf = (name: string) => fileURLToPath(new URL(`../../deploy/${name}`, import.meta.url))
const textOf = (name: string) => readFileSync(pathOf(name), 'utf8')

interface Port {
  readonly nodePort?: number
  readonly targetPort?: string
}

interface Manifest {
  readonly kind: string
  readonly metadata: { readonly name: string }
  readonly spec: {
    readonly ports?: readonly Port[]
    readonly selector?: Readonly<Record<string, string>>
    readonly template?: { readonly spec: { readonly containers: readonly Container[] } }
  }
}

interface Container {
  readonly image: string
  readonly args?: readonly string[]
  readonly ports?: readonly { readonly name: string }[]
}

const manifests = parseAllDocuments(textOf('kind/weir.yaml')).map((document) => {
  assert.deepEqual(document.errors, [])
  return document.toJS() as Manifest
})

test('the ports of the cluster lead to services, and those to ports of containers', () => {
  const cluster = parse(textOf('kind/cluster.yaml')) as {
    readonly nodes: readonly {
      readonly extraPortMappings?: readonly { containerPort: number; hostPort: number }[]
    }[]
  }
  const mapped = cluster.nodes.flatMap(({ extraPortMappings = [] }) => extraPortMappings)
  const services = manifests.filter(({ kind }) => kind === 'Service')
  const nodePorts = services.flatMap(({ spec }) => spec.ports ?? []).map(({ nodePort }) => nodePort)
  assert.deepEqual(
    mapped.map(({ containerPort, hostPort }) => [hostPort, nodePorts.includes(containerPort)]),
    [
      [8090, true],
      [8091, true],
    ],
  )
  const names = new Set(
    manifests
      .flatMap(({ spec }) => spec.template?.spec.containers ?? [])
      .flatMap(({ ports = [] }) => ports.map(({ name }) => name)),
  )
  for (const { targetPort } of services.flatMap(({ spec }) => spec.ports ?? [])) {
    assert.ok(names.has(String(targetPort)), targetPort)
  }
})

test('the commands in the manifests are commands of Weir with flags that it knows', () => {
  const reference = readFileSync(new URL('../../docs/reference/cli.md', import.meta.url), 'utf8')
  const containers = manifests.flatMap(({ spec }) => spec.template?.spec.containers ?? [])
  for (const { args = [] } of containers) {
    for (const flag of args.filter((one) => one.startsWith('--'))) {
      assert.ok(reference.includes(`\`${flag}`) || reference.includes(`${flag} `), flag)
    }
  }
})

test('the scripts are shell', () => {
  for (const name of ['kind-up.sh', 'kind-down.sh', 'random-requests.sh']) {
    execFileSync('sh', ['-n', pathOf(`kind/${name}`)])
  }
})

test('the sample service answers OK to any path, and ends when asked to', async () => {
  const child = spawn(process.execPath, [pathOf('service-health/server.mjs'), '0'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  try {
    const [line] = (await once(child.stdout, 'data')) as [Buffer]
    const port = /port (\d+)/.exec(String(line))?.[1]
    const answer = await fetch(`http://127.0.0.1:${port}/healthz`)
    assert.deepEqual([answer.status, await answer.text()], [200, 'OK'])
    const refused = await fetch(`http://127.0.0.1:${port}/`, { method: 'POST' })
    assert.equal(refused.status, 405)
  } finally {
    child.kill('SIGTERM')
    await once(child, 'exit')
  }
})
