// IPFIX as pmacct's nfacctd accounts it: its sums by addresses, ports and protocol are the rows that were sent.

import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { freePort } from '../../../common/free-port.fake.ts'
import { until } from '../../../common/until.fake.ts'
import type { RowValues } from '../../../wire/mod.ts'
import type { ExportConfig } from '../config.ts'
import { missing } from '../installed.fake.ts'
import { createExportsFake, flowRows } from '../rows.fake.ts'

const folder = mkdtempSync(join(tmpdir(), 'weir-nfacctd-'))
after(() => rmSync(folder, { recursive: true, force: true }))
const out = join(folder, 'out.json')

function configOf(port: number): string {
  const file = join(folder, 'nfacctd.conf')
  const lines = [
    'daemonize: false',
    'nfacctd_ip: 127.0.0.1',
    `nfacctd_port: ${port}`,
    'plugins: print',
    'aggregate: src_host, dst_host, src_port, dst_port, proto',
    'print_output: json',
    `print_output_file: ${out}`,
    'print_output_file_append: true',
    'print_refresh_time: 1',
  ]
  writeFileSync(file, `${lines.join('\n')}\n`)
  return file
}

/** Packets and bytes by addresses, ports and protocol; what it has written in pieces is added up. */
function accounted(): ReadonlyMap<string, readonly number[]> {
  const sums = new Map<string, readonly number[]>()
  const lines = existsSync(out) ? readFileSync(out, 'utf8').split('\n').slice(0, -1) : []
  for (const line of lines) {
    const row = JSON.parse(line)
    const key = `${row.ip_src} ${row.port_src} ${row.ip_dst} ${row.port_dst} ${row.ip_proto}`
    const [packets = 0, bytes = 0] = sums.get(key) ?? []
    sums.set(key, [packets + row.packets, bytes + row.bytes])
  }
  return sums
}

/**
 * Its core has a process for each plugin, which only SIGINT ends with it. They are one group: what is left of it after
 * ten seconds is killed.
 */
async function withNfacctd(port: number, work: () => Promise<void>): Promise<void> {
  const child = spawn('nfacctd', ['-f', configOf(port)], { stdio: 'ignore', detached: true })
  const ended = once(child, 'exit')
  const isGone = () => child.exitCode !== null || child.signalCode !== null
  try {
    await until('nfacctd to listen', () => {
      if (isGone()) throw new Error(`nfacctd ended with ${child.exitCode ?? child.signalCode}`)
      return execFileSync('ss', ['-lunH', `sport = :${port}`])
        .toString()
        .includes(`:${port}`)
    })
    await work()
  } finally {
    if (!isGone()) process.kill(child.pid as number, 'SIGINT')
    const limit = setTimeout(() => killGroup(child.pid as number), 10_000)
    await ended
    clearTimeout(limit)
    killGroup(child.pid as number)
  }
}

function killGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL')
  } catch {
    // Nobody is left.
  }
}

test('nfacctd has every row, with its numbers', { skip: missing('nfacctd') }, async () => {
  const port = await freePort()
  const v6 = { src_address: '2001:db8::1', dst_address: '2001:db8::2', protocol: 'udp' }
  const rows = [...flowRows(0, 500), ...flowRows(500, 100, v6)]
  await withNfacctd(port, async () => {
    const config: ExportConfig = {
      name: 'pmacct',
      kind: 'ipfix',
      endpoint: `udp://127.0.0.1:${port}`,
      options: { template_refresh: '5s' },
    }
    const fake = createExportsFake(join(folder, 'data'), [config])
    await fake.start()
    try {
      // What came before its plugin was ready is lost, perhaps the templates among it.
      await until('nfacctd to account what comes', async () => {
        if (accounted().size > 0) return true
        await fake.append(flowRows(10_000, 1))
        return false
      })
      for (let from = 0; from < rows.length; from += stepRows) {
        const some = rows.slice(from, from + stepRows)
        await fake.append(some)
        await until(`rows from ${from}`, () => {
          const found = accounted()
          return some.every((row) => found.has(keyOf(row)))
        })
      }
    } finally {
      await fake.stop()
    }
  })
  const found = accounted()
  for (const row of rows) {
    assert.deepEqual(found.get(keyOf(row)), [row['packets'], row['bytes']], keyOf(row))
  }
})

/** So few that no buffer of a socket is full. */
const stepRows = 200

const keyOf = (row: RowValues) =>
  ['src_address', 'src_port', 'dst_address', 'dst_port', 'protocol']
    .map((name) => row[name])
    .join(' ')
