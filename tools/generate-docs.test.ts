import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { settings } from '../cli/commands/settings.ts'
import { expectationOf } from '../cli/parse/arguments.ts'
import { parseConfig } from '../common/config/mod.ts'
import { pages } from './generate-docs.ts'

test('the generated pages are fresh', async () => {
  for (const { path, text } of await pages()) {
    const onDisk = readFileSync(new URL(`../${path}`, import.meta.url), 'utf8')
    assert.equal(onDisk, text, `${path} differs from its tables: npm run generate`)
  }
})

test('the file that the configuration page shows has no mistake', async () => {
  const page = (await pages()).find(({ path }) => path.endsWith('/config.md'))
  const shown = /```yaml\n([^`]*)```/.exec(page?.text ?? '')?.[1] ?? ''
  const keys = settings.map((flag) => ({
    path: flag.config ?? '',
    expectation: (value: string) => expectationOf(flag, value),
  }))
  const { values, mistakes } = parseConfig(shown, keys)
  assert.deepEqual(mistakes, [])
  assert.ok(values.size > 5)
})
