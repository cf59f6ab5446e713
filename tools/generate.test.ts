// Generated files that are checked in are what the generators write now.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { generatedFiles } from './generate.ts'

test('generated files are fresh', () => {
  for (const { path, text } of generatedFiles()) {
    const there = readFileSync(new URL(`../${path}`, import.meta.url), 'utf8')
    assert.equal(there, text, `${path}: run npm run generate`)
  }
})
