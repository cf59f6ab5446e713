import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkLimits } from './process-limits.ts'

const limits = (
  files: string,
  space: string,
) => `Limit                     Soft Limit           Hard Limit           Units
Max stack size            8388608              unlimited            bytes
Max open files            ${files.padEnd(20)} ${files.padEnd(20)} files
Max address space         ${space.padEnd(20)} ${space.padEnd(20)} bytes
`

test('ulimit -n 64 and ulimit -v 4000000 are refused with the value that is needed', () => {
  checkLimits(limits('1048576', 'unlimited'))
  checkLimits(limits('1024', '16000000000'))
  assert.throws(() => checkLimits(limits('64', 'unlimited')), {
    code: 'limit_too_low',
    message: 'this shell allows 64 open files, Weir needs 1024',
  })
  assert.throws(() => checkLimits(limits('1024', '4096000000')), {
    code: 'limit_too_low',
    exitCode: 71,
  })
})

test('the limits of this process are read', () => {
  assert.doesNotThrow(() => checkLimits())
})
