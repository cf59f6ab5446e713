// A trouble that lasts must not fill the disk with lines about it.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createLimitedLog } from './limited-log.ts'

function recorder() {
  const lines: [string, object, string][] = []
  const at = (level: string) => (fields: object, message: string) =>
    void lines.push([level, fields, message])
  const log = { warn: at('warn'), error: at('error'), info: at('info') }
  return { lines, log: log as unknown as Parameters<typeof createLimitedLog>[0] }
}

test('a write that fails four times a second is one line in 30 seconds, with the count of the others', () => {
  let nowMs = 0
  const { lines, log } = recorder()
  const limited = createLimitedLog(log, () => nowMs)
  for (; nowMs < 60_000; nowMs += 250) limited.error('write', { err: 'ENOSPC' }, 'writing')
  assert.deepEqual(lines, [
    ['error', { err: 'ENOSPC' }, 'writing'],
    ['error', { err: 'ENOSPC', suppressed: 119 }, 'writing'],
  ])
})

test('another cause is said at once; the end of a trouble is said once', () => {
  const { lines, log } = recorder()
  const limited = createLimitedLog(log, () => 0)
  limited.over('write', 'never began')
  limited.error('write', {}, 'writing')
  limited.warn('insert', {}, 'inserting')
  limited.error('write', {}, 'writing')
  limited.over('write', 'writing works again')
  limited.over('write', 'writing works again')
  limited.error('write', {}, 'writing')
  assert.deepEqual(
    lines.map(([level, , message]) => `${level} ${message}`),
    ['error writing', 'warn inserting', 'info writing works again', 'error writing'],
  )
  assert.deepEqual(lines[2]?.[1], { suppressed: 1 })
})
