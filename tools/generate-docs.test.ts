import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { pages } from './generate-docs.ts'

test('the generated pages are fresh', async () => {
  for (const { path, text } of await pages()) {
    const onDisk = readFileSync(new URL(`../${path}`, import.meta.url), 'utf8')
    assert.equal(onDisk, text, `${path} differs from its tables: npm run generate`)
  }
})
