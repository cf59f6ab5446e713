// Who owns a node's name as agents come and go; time is a number here.

import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { createReporter } from '../common/reporter/mod.ts'
import { createNodeOwners } from './node-owners.ts'

const reporter = createReporter('nodes', { level: 'silent' })
const second = 1_000_000_000n
const startMs = 1_000_000

async function withOwners(
  run: (parts: {
    open: () => ReturnType<typeof createNodeOwners>
    time: { nowMs: number }
    folder: string
  }) => void,
): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'weir-owners-'))
  const time = { nowMs: startMs }
  const open = () => {
    const owners = createNodeOwners(folder, reporter, () => time.nowMs)
    owners.load()
    return owners
  }
  try {
    run({ open, time, folder })
  } finally {
    rmSync(folder, { recursive: true })
  }
}

test('a second agent is refused while the first one is there, and for 15 s after it has gone', () =>
  withOwners(({ open, time }) => {
    const owners = open()
    assert.equal(owners.claim('n', 'first', 5_000), undefined)
    assert.equal(owners.claim('n', 'second', 5_000)?.code, 'node_taken')
    assert.equal(owners.claim('other', 'second', 5_000), undefined)
    owners.closed('n', 'first')
    time.nowMs += 14_999
    assert.equal(owners.claim('n', 'second', 5_000)?.code, 'node_taken')
    time.nowMs += 1
    assert.equal(owners.claim('n', 'second', 5_000), undefined)
    assert.equal(owners.claim('n', 'first', 5_000)?.code, 'node_taken')
  }))

test('an agent that comes again before its old connection has ended keeps the name', () =>
  withOwners(({ open, time }) => {
    const owners = open()
    owners.claim('n', 'first', 5_000)
    owners.claim('n', 'first', 5_000)
    owners.closed('n', 'first')
    time.nowMs += 1_000_000
    assert.equal(owners.claim('n', 'second', 5_000)?.code, 'node_taken')
  }))

test('a slow agent keeps the name for three of its intervals', () =>
  withOwners(({ open, time }) => {
    const owners = open()
    owners.claim('n', 'first', 60_000)
    owners.closed('n', 'first')
    time.nowMs += 179_999
    assert.ok(owners.claim('n', 'second', 5_000))
    time.nowMs += 1
    assert.equal(owners.claim('n', 'second', 5_000), undefined)
  }))

test('what the new agent says of the time of the old one is left out, also after a restart of central', () =>
  withOwners(({ open, time }) => {
    const owners = open()
    const reportedNs = BigInt(time.nowMs) * 1_000_000n
    owners.claim('n', 'first', 5_000)
    owners.reported('n', reportedNs)
    assert.equal(owners.isReportedByAnother('n', reportedNs), false)
    owners.closed('n', 'first')
    time.nowMs += 15_000
    owners.claim('n', 'second', 5_000)
    for (const known of [owners, open()]) {
      assert.equal(known.isReportedByAnother('n', reportedNs - 500n * second), true)
      assert.equal(known.isReportedByAnother('n', reportedNs), true)
      assert.equal(
        known.isReportedByAnother('n', reportedNs + 4n * second),
        true,
        'half of it was reported',
      )
      assert.equal(known.isReportedByAnother('n', reportedNs + 5n * second), false)
      assert.equal(known.isReportedByAnother('other', reportedNs), false)
    }
  }))

test('an agent that gets its name back keeps what it saw before the other one had it', () =>
  withOwners(({ open, time }) => {
    const owners = open()
    const ns = () => BigInt(time.nowMs) * 1_000_000n
    owners.claim('n', 'first', 5_000)
    owners.reported('n', ns())
    owners.closed('n', 'first')
    const beforeTheOther = ns() + 10n * second
    time.nowMs += 60_000
    owners.claim('n', 'second', 5_000)
    time.nowMs += 60_000
    owners.reported('n', ns())
    owners.closed('n', 'second')
    const reportedByTheOther = ns()
    time.nowMs += 60_000
    owners.claim('n', 'first', 5_000)
    assert.equal(owners.isReportedByAnother('n', beforeTheOther), false)
    assert.equal(owners.isReportedByAnother('n', reportedByTheOther), true)
  }))

test('after a restart of central the second agent cannot be faster than the first', () =>
  withOwners(({ open, time }) => {
    open().claim('n', 'first', 5_000)
    const owners = open()
    assert.equal(owners.claim('n', 'second', 5_000)?.code, 'node_taken')
    time.nowMs += 15_000
    assert.equal(owners.claim('n', 'second', 5_000), undefined)
  }))

test('a damaged file of owners costs the memory, not the start', () =>
  withOwners(({ open, folder }) => {
    for (const text of ['{', '[{"node":"n","agent":"a","since":"x"}]', '[null]', '7']) {
      writeFileSync(join(folder, 'nodes.json'), text)
      assert.equal(open().claim('n', 'second', 5_000), undefined, text)
    }
  }))
