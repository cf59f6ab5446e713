// redis and its benchmark: the octets and connections that the server counted.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { withRiver } from '../river.ts'
import { assertOnce, assertWholeCoverage, carriedIn, processesOf, total } from './carried.ts'
import { call, missing, serve, withBooks } from './program.ts'

const port = 6379
const skip = missing('redis-server', 'redis-benchmark', 'redis-cli')

test('redis-benchmark: octets and connections are what redis counts', { skip }, () =>
  withBooks(2, (lab) =>
    withRiver({}, async (river) => {
      const address = lab.address(1, 'v4')
      const options = ['--bind', address, '--port', String(port), '--save', '', '--dir', lab.folder]
      const server = await serve(lab, 1, port, [
        'redis-server',
        ...options,
        '--protected-mode',
        'no',
      ])
      const place = ['-h', address, '-p', String(port)]
      const load = ['-n', '20000', '-c', '40', '-d', '300', '-t', 'set,get,lpush', '-P', '4', '-q']
      const benchmark = await call(lab, 0, 'redis-benchmark', ...place, ...load)
      // The question itself is counted when it is answered, its answer is not.
      const question = await call(lab, 0, 'redis-cli', ...place, 'INFO', 'stats')
      const counted = (name: string) =>
        Number(new RegExp(`^${name}:(\\d+)`, 'm').exec(question.said)?.[1] ?? Number.NaN)

      const connections = counted('total_connections_received')
      const carried = await carriedIn(river, lab, { dst_port: port }, () => connections)
      const asked = carried.filter(({ src_pid }) => src_pid !== question.pid)
      assertOnce(carried)
      assert.equal(carried.length, connections)
      assert.equal(total(carried, 'bytes'), counted('total_net_input_bytes'))
      assert.equal(total(asked, 'reverse_bytes'), counted('total_net_output_bytes'))
      assert.deepEqual(processesOf(carried), [
        `redis-benchmark ${benchmark.pid} > redis-server ${server.pid}`,
        `redis-cli ${question.pid} > redis-server ${server.pid}`,
      ])
      await assertWholeCoverage(river)
    }),
  ),
)
