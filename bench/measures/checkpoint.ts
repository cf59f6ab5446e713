// What the agent writes to disk for its checkpoint, and how long that keeps its main thread: 20,000 idle and 200
// busy connections; the journal beside the same with everything written every time.

import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fakeRecords } from '../../agent/drain/fake.ts'
import { momentOf } from '../../agent/rows/moment.ts'
import { createCheckpoints } from '../../agent/spool/checkpoint.ts'
import { createEnrich } from '../../agent/tcp/enrich.ts'
import type { Finding, Measure, Plan } from '../finding.ts'
import { median } from '../statistics.ts'

export const checkpoint: Measure = { name: 'checkpoint', run: measureCheckpoint }

const idle = 20_000
const busy = 200
const boot = 'ffeeddcc-bbaa-9988-7766-554433221100'
const bootToWallNs = 1_700_000_000_000_000_000n
const startNs = 3_600_000_000_000
const intervalMs = 5000

async function measureCheckpoint({ quick }: Plan): Promise<readonly Finding[]> {
  const count = quick ? 3 : 400
  const whole = run(count, true)
  const journal = run(count, false)
  const of = `${idle} idle, ${busy} busy connections, ${count} intervals`
  const show = (name: string, { octets, ms }: Cost): Finding => ({
    what: `checkpoint, ${name}: octets and main thread per interval (${of})`,
    value: `${Math.round(octets)}, median ${Math.round(median(ms) * 1000)} µs`,
  })
  return [show('everything each time', whole), show('journal', journal)]
}

interface Cost {
  /** Mean of all intervals but the first. */
  readonly octets: number
  readonly ms: readonly number[]
}

function run(count: number, everything: boolean): Cost {
  const folder = mkdtempSync(join(tmpdir(), 'weir-checkpoint-'))
  const own = { tgids: new Set<number>(), upstream: undefined }
  const enrich = createEnrich({ node: 'n', key: new Uint8Array(16), cgroupRoot: '', own })
  const checkpoints = createCheckpoints(folder, boot)
  const ms: number[] = []
  let octets = 0
  try {
    for (let sequence = 0; sequence <= count; sequence++) {
      const timeNs = startNs + sequence * intervalMs * 1e6
      const records = recordsOf(sequence === 0 ? busy + idle : busy, sequence, timeNs)
      enrich.take(records, sequence === 0 ? busy + idle : busy)
      const before = sizesOf(folder)
      if (everything) checkpoints.clear()
      const nowMs = Number((BigInt(timeNs) + bootToWallNs) / 1_000_000n)
      enrich.report(momentOf(nowMs, { bootToWallNs, intervalMs, last: false }), () => {
        const begun = performance.now()
        checkpoints.write(sequence, enrich.changes)
        checkpoints.prune()
        if (sequence > 0) ms.push(performance.now() - begun)
      })
      for (const [name, size] of sizesOf(folder)) {
        if (sequence > 0) octets += size - (before.get(name) ?? 0)
      }
    }
    return { octets: octets / count, ms }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function recordsOf(count: number, sent: number, time: number) {
  const ends = Array.from({ length: count }, (_, index) => ({
    cookie: index + 1,
    start: startNs - 1_000_000_000,
    time,
    pair: [index + 1, index + 1] as const,
    role: 'initiator' as const,
    local: [`10.0.${index >> 8}.${index & 255}`, 40_000] as const,
    remote: ['192.0.2.1', 443] as const,
    tgid: 10,
    sent,
  }))
  return fakeRecords(ends)
}

function sizesOf(folder: string): Map<string, number> {
  return new Map(readdirSync(folder).map((name) => [name, statSync(join(folder, name)).size]))
}
