import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createReporter } from './reporter.ts'
import { terminalLines } from './terminal-lines.ts'

function logged(color: boolean, say: (log: ReturnType<typeof createReporter>['log']) => void) {
  const lines: string[] = []
  const destination = terminalLines((line) => lines.push(line), color)
  say(createReporter('agent', { destination }).child('spool').log)
  return lines.join('')
}

test('a person reads time, level, who, what and the fields in one line', () => {
  const line = logged(false, (log) => {
    log.warn(
      { waiting: 12, path: '/x', why: 'disk is full', err: new Error('no space') },
      'spool stands',
    )
  })
  assert.match(
    line,
    /^\d\d:\d\d:\d\d {2}warn {3}agent\.spool {2}spool stands {2}waiting=12 {2}path=\/x {2}why="disk is full" {2}error="no space"\n$/,
  )
})

test('colour marks the level alone, and only where it is wanted', () => {
  assert.ok(logged(true, (log) => log.error('x')).includes('\u001b[31merror\u001b[0m'))
  assert.ok(!logged(false, (log) => log.error('x')).includes('\u001b'))
  assert.ok(!logged(true, (log) => log.info('x')).includes('\u001b'))
})

test('a name from outside cannot write on the screen', () => {
  const line = logged(false, (log) => log.info({ process: '\u001b[2J\u202e' }, 'a\u001b[2Jb\nc'))
  assert.doesNotMatch(line.trimEnd(), /[\p{Cc}\p{Cf}]/u)
})
