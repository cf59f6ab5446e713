// `weir replay FILE… --into DIR`: captures in a store, so that the page and every question work on them.

import { basename, resolve } from 'node:path'
import type { CaptureRows, Replay } from '../../agent/mod.ts'
import { createReporter } from '../../common/reporter/mod.ts'
import { note, print, type Terminal, type Values } from './command.ts'

const dayMs = 86_400_000
/** What a central keeps by default. */
const keptDays = 30

export async function storeCapturesIn(
  values: Values,
  terminal: Terminal,
  replay: Replay,
): Promise<number> {
  const dataDir = resolve(values.text('into') ?? '')
  const [{ playCaptureRows }, { importRows }] = await Promise.all([
    import('../../agent/mod.ts'),
    import('../../central/mod.ts'),
  ])
  const stored: (CaptureRows & { readonly file: string })[] = []
  await importRows(
    dataDir,
    async (onBatch) => {
      for (const file of values.operands('FILE')) {
        const played = await playCaptureRows(file, replay, { node: basename(file), onBatch })
        stored.push({ file, ...played })
      }
    },
    createReporter('replay', { level: 'fatal' }),
  )
  for (const played of stored) note(terminal, describe(played))
  const withPackets = stored.filter(({ packets }) => packets > 0)
  if (withPackets.length > 0) print(terminal, howToLook(dataDir, withPackets, terminal.now()))
  return 0
}

function describe({ file, packets, rows, damage, fromMs, toMs }: Stored): string {
  const range = packets === 0 ? '' : `, ${timeOf(fromMs)} to ${timeOf(toMs)}`
  const end = damage === '' ? '' : `; not read to its end: ${damage}`
  return `${file}: ${packets} packets in ${rows} rows of node ${basename(file)}${range}${end}`
}

type Stored = CaptureRows & { readonly file: string }

/** A central drops what is older than it keeps: for old captures its age has to be raised. */
function howToLook(dataDir: string, stored: readonly Stored[], nowMs: number): string {
  const fromMs = Math.min(...stored.map((one) => one.fromMs))
  const toMs = Math.max(...stored.map((one) => one.toMs))
  const days = Math.ceil((nowMs - fromMs) / dayMs) + 1
  const keep = days > keptDays ? ` --retention-age ${days + 365}d` : ''
  const query = `from=${timeOf(fromMs)}&to=${timeOf(toMs)}&view=interface`
  return [
    `weir central --data ${dataDir} --ingest unix${keep}`,
    `http://127.0.0.1:8080/flows?${query}`,
  ].join('\n')
}

function timeOf(ms: number): string {
  return new Date(ms).toISOString()
}
