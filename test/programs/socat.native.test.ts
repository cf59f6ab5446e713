// socat with fork: a process per connection, each of which must be named, as socat's own log has it.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { withRiver } from '../river.ts'
import { type Lab, until } from '../traffic/mod.ts'
import { assertBooks, assertWholeCoverage, type Carried, carriedIn } from './carried.ts'
import { missing, serve, withBooks } from './program.ts'

const port = 7000
const count = 40

test(
  'socat fork: each connection is its forked process, each octet comes back',
  {
    skip: missing('socat'),
  },
  () =>
    withBooks(1, (lab) =>
      withRiver({ args: ['--netns', lab.netns(0).path] }, async (river) => {
        const log = join(lab.folder, 'socat.log')
        const listen = `TCP-LISTEN:${port},fork,reuseaddr,bind=127.0.0.1,backlog=64`
        const server = await serve(lab, 0, port, ['socat', '-d', '-d', '-lf', log, listen, 'PIPE'])
        const asked = await askAll(lab)
        const children = await until('every child in the log of socat', () => {
          const found = childrenIn(readFileSync(log, 'utf8'), server.pid!)
          return found.size >= count && found
        })
        assert.equal(new Set(children.values()).size, count)
        const carried = await carriedIn(river, lab, { dst_port: port }, () => count)
        assertBooks(
          carried,
          asked.map((one) => ({
            ...one,
            dst_pid: children.get(one.src_port)!,
            dst_process: 'socat',
          })),
        )
        await assertWholeCoverage(river)
      }),
    ),
)

type Asked = Pick<Carried, 'src_port' | 'src_pid' | 'bytes' | 'reverse_bytes'>

/** One connection after another, with sizes of its own; socat sends back what it gets. */
async function askAll(lab: Lab): Promise<readonly Asked[]> {
  const client = await lab.peer(0, 'socat-client')
  const asked: Asked[] = []
  for (let i = 0; i < count; i++) {
    const bytes = 1 + i * 1_001
    const { local } = await client.must({ op: 'connect', id: 'c', address: '127.0.0.1', port })
    await client.must({ op: 'send', id: 'c', bytes })
    await client.must({ op: 'receive', id: 'c', bytes })
    await client.must({ op: 'close', id: 'c' })
    asked.push({ src_port: local![1], src_pid: client.pid, bytes, reverse_bytes: bytes })
  }
  return asked
}

/** Port of the client → process, from lines that follow each other: accepting, then forked. */
function childrenIn(log: string, parent: number): ReadonlyMap<number, number> {
  const lines = log.split('\n').filter((line) => line.includes(`socat[${parent}]`))
  const ports = lines.flatMap((line) => numbers(line, /accepting connection from \S+ \S+:(\d+) on/))
  const pids = lines.flatMap((line) => numbers(line, /forked off child process (\d+)/))
  return new Map(pids.map((pid, index) => [ports[index]!, pid]))
}

function numbers(line: string, pattern: RegExp): readonly number[] {
  const found = pattern.exec(line)?.[1]
  return found === undefined ? [] : [Number(found)]
}
