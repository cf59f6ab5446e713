import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseSs } from './ss.ts'

const text = `
ESTAB 0 12 [::ffff:10.80.0.2]:8080 [::ffff:10.80.0.1]:43884 cubic wscale:7,7 rto:201 rtt:0.032/0.016 mss:1448 bytes_sent:300 bytes_retrans:100 bytes_received:2000000 segs_out:4 segs_in:9 send 1Mbps
LISTEN 0 128 0.0.0.0%lo:22 0.0.0.0:*
TIME-WAIT 0 0 [fd40::1:1]:5 [fd40::1:2]:80
`

test('a socket of ss becomes its ends, queues and counters', () => {
  const [first, second, third] = parseSs(text)
  assert.deepEqual(first?.local, ['10.80.0.2', 8080])
  assert.deepEqual(first?.remote, ['10.80.0.1', 43884])
  assert.equal(first?.sendQueue, 12)
  assert.equal(first?.counters['bytes_retrans'], 100)
  assert.equal(first?.counters['segs_in'], 9)
  assert.equal(second?.state, 'LISTEN')
  assert.deepEqual(second?.local, ['0.0.0.0', 22])
  assert.deepEqual(third?.remote, ['fd40::1:2', 80])
})
