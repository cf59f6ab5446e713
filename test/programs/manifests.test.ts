// The manifests of deploy/ fit together: services find their pods, and the sidecar's flags are those of `weir sidecar`.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { parseAllDocuments } from 'yaml'
import { sidecarCommand } from '../../cli/commands/sidecar.ts'

interface Manifest {
  readonly kind: string
  readonly metadata: { readonly name: string }
  // biome-ignore lint/suspicious/noExplicitAny: as the file has it.
  readonly spec: any
}

function manifests(file: string): readonly Manifest[] {
  const text = readFileSync(new URL(`../../deploy/${file}`, import.meta.url), 'utf8')
  return parseAllDocuments(text).map((document) => {
    assert.deepEqual(document.errors, [], file)
    return document.toJS() as Manifest
  })
}

for (const file of ['bookinfo/bookinfo.yaml', 'bookinfo/postgres.yaml']) {
  test(`${file}: every service has pods that listen at its port`, () => {
    const all = manifests(file)
    const pods = all.filter(({ kind }) => kind === 'Deployment').map(({ spec }) => spec)
    for (const { selector, template } of pods) {
      assert.deepEqual(selector.matchLabels, template.metadata.labels)
    }
    for (const { spec } of all.filter(({ kind }) => kind === 'Service')) {
      const own = pods.filter(({ template }) => template.metadata.labels.app === spec.selector.app)
      assert.ok(own.length > 0, JSON.stringify(spec.selector))
      for (const { template } of own) {
        const [{ ports }] = template.spec.containers
        assert.deepEqual(
          ports.map(({ containerPort }: { containerPort: number }) => containerPort),
          spec.ports.map(({ port }: { port: number }) => port),
        )
      }
    }
  })
}

test('sidecar/pod.yaml: the flags are those of weir sidecar', () => {
  const [pod] = manifests('sidecar/pod.yaml')
  assert.ok(pod)
  const { args } = pod.spec.containers.find(({ name }: { name: string }) => name === 'weir')
  const known = new Set(sidecarCommand.flags.map(({ name }) => `--${name}`))
  const flags = args.filter((text: string) => text.startsWith('--'))
  assert.ok(flags.length > 0)
  for (const flag of flags) assert.ok(known.has(flag), flag)
})
