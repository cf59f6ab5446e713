import assert from 'node:assert/strict'
import { constants } from 'node:os'
import { test } from 'node:test'
import type { Field } from './field.ts'
import { valueFault } from './field-value.ts'
import { flowTable } from './flow-fields.ts'
import { ledgerTable } from './ledger-fields.ts'

function fault(name: string, text: string) {
  const field = [...flowTable.fields, ...ledgerTable.fields].find((one) => one.name === name)
  return valueFault(field as Field, text)
}

test('a value that no row can have is refused with the one that was meant', () => {
  for (const [name, text, suggestion] of [
    ['end_reason', 'refuse', 'refused'],
    ['end_reason', 'reset', 'reset_by_src'],
    ['state', 'ESTABLISHED', 'established'],
    ['state', 'time-wait', 'time_wait'],
    ['protocol', 'TCP', 'tcp'],
    ['observer', 'bot', 'both'],
    ['errno', 'ECONREFUSED', 'ECONNREFUSED'],
    ['errno', '111', 'ECONNREFUSED'],
    ['errno', 'EWOULDBLOCK', 'EAGAIN'],
    ['src_process_source', 'connects', 'connect'],
    ['stage', 'hooks', 'hook'],
  ] as const) {
    assert.equal(fault(name, text)?.suggestion, suggestion, `${name}=${text}`)
  }
})

test('a far value gets the list', () => {
  assert.match(fault('observer', 'nobody')?.hint ?? '', /^One of: src, dst, both, transit\.$/)
  assert.match(fault('view', 'wire')?.hint ?? '', /^One of: socket, interface, trace\.$/)
  assert.match(fault('errno', 'bogus')?.hint ?? '', /such as/)
})

test('a pattern for a name is refused instead of matching nothing', () => {
  assert.match(fault('src_process', 'shop-*')?.reason ?? '', /^"shop-\*" is a pattern/)
  assert.equal(fault('src_process', 'shop-web'), undefined)
  assert.equal(fault('src_process', "%' or *"), undefined, 'a name may be odd')
  assert.equal(fault('src_process', ''), undefined)
})

test('numbers, flags, ids and addresses that cannot be', () => {
  for (const [name, text] of [
    ['dst_port', 'abc'],
    ['dst_port', '65536'],
    ['dst_port', '-1'],
    ['dst_port', ''],
    ['direction_known', 'yes'],
    ['connection_id', '18446744073709551616'],
    ['connection_id', 'x'],
    ['src_address', '10.0.0.*'],
    ['src_address', '10.0.0.0/33'],
    ['src_address', '10.0.0.0/8/8'],
  ] as const) {
    assert.ok(fault(name, text), `${name}=${text}`)
  }
  for (const [name, text] of [
    ['dst_port', '65535'],
    ['direction_known', 'false'],
    ['connection_id', '18446744073709551615'],
    ['src_address', '2001:db8::/32'],
    ['errno', '512'],
    ['errno', ''],
    ['time', '-5m'],
  ] as const) {
    assert.equal(fault(name, text), undefined, `${name}=${text}`)
  }
})

test('every errno of this system has its value', () => {
  for (const number of Object.values(constants.errno)) {
    const suggestion = fault('errno', String(number))?.suggestion ?? ''
    assert.equal(fault('errno', suggestion), undefined)
    assert.notEqual(suggestion, '')
  }
})
