import assert from 'node:assert/strict'
import { test } from 'node:test'
import { failedLines, watchedLines } from './watched.ts'

const one = (name: string, hook = 'tcx', refused = '', probe = 'flow') => {
  return { probe, name, hook, refused }
}

test('interfaces by probe and hook, then what refused and why', () => {
  const found = [one('eth1'), one('eth0'), one('eth0', 'xdp', '', 'xdp')]
  const refused = one('wg0', '', 'attaching to wg0: another program is there')
  assert.deepEqual(watchedLines([...found, refused]), [
    '  watches  eth0, eth1 (flow by tcx)',
    '  watches  eth0 (xdp)',
    '  refused  wg0 (flow): attaching to wg0: another program is there',
  ])
})

test('an agent that watches no interface says nothing of them', () => {
  assert.deepEqual(watchedLines([]), [])
})

test('of hundreds of interfaces a line names eight, and no line is wider than the screen', () => {
  const many = Array.from({ length: 200 }, (_, at) => one(`veth${String(at).padStart(3, '0')}`))
  const refused = many.map(({ name }) => one(name, '', 'no'))
  const lines = watchedLines([...many, ...refused])
  assert.match(lines[0] ?? '', /^ {2}watches {2}veth000, .*veth007 and 192 more \(flow by tcx\)$/)
  assert.equal(lines.length, 7)
  assert.match(lines.at(-1) ?? '', /195 more/)
  for (const line of watchedLines(many, 60)) assert.ok([...line].length <= 60)
})

test('a probe that is not open has a line with why, and what to do', () => {
  const failure = { code: 'object_refused', status: 500, exitCode: 70 }
  const socket = { ...failure, probe: 'socket', message: 'loading it: no', remedy: 'see doctor' }
  assert.deepEqual(failedLines([socket, { ...socket, probe: 'drop', remedy: '' }]), [
    '  not open socket: loading it: no (see doctor)',
    '  not open drop: loading it: no',
  ])
  assert.deepEqual(failedLines([]), [])
})
