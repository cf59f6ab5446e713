import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AppError, errorsOf, messageOf } from './app-error.ts'

const fail = errorsOf({
  port_taken: {
    message: 'port {port} is taken',
    status: 500,
    exitCode: 69,
    remedy: 'choose another port than {port}: --listen',
  },
})

test('slots of message and remedy are filled from the details, others stay', () => {
  const error = fail('port_taken', { details: { port: 8080 } })
  assert.ok(error instanceof AppError)
  assert.equal(error.message, 'port 8080 is taken')
  assert.equal(error.remedy, 'choose another port than 8080: --listen')
  assert.equal(error.exitCode, 69)
  assert.equal(fail('port_taken').message, 'port {port} is taken')
})

test('the cause is kept; anything thrown has a text', () => {
  const cause = new Error('EADDRINUSE')
  assert.equal(fail('port_taken', { cause }).cause, cause)
  assert.equal(messageOf(cause), 'EADDRINUSE')
  assert.equal(messageOf('plain'), 'plain')
})
