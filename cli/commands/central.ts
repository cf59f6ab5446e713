// `weir central`: takes the rows of agents, stores them, serves the API and the page.

import { join, resolve } from 'node:path'
import { createLifecycle, runUntilSignal } from '../../common/mod.ts'
import { createReporter } from '../../common/reporter/mod.ts'
import { cliError } from '../errors.ts'
import { endpointOf } from '../parse/arguments.ts'
import { insecureFlag, listenOf } from '../parse/loopback.ts'
import { tellRunning } from '../source/running.ts'
import { type Command, note, type Terminal, type Values } from './command.ts'
import { dataFlag, listenFlag } from './process-flags.ts'
import { checkLimits } from './process-limits.ts'

const stopDeadlineMs = 15_000

export const centralCommand: Command = {
  name: 'central',
  summary: 'Takes the rows of agents, stores them, serves the API and the page.',
  flags: [
    dataFlag,
    listenFlag,
    {
      name: 'ingest',
      kind: 'text',
      metavar: 'unix|ADDR:PORT',
      default: '127.0.0.1:50051',
      env: 'WEIR_INGEST',
      help: 'Where agents come to, beside DATA/ingest.sock; unix: nowhere else.',
    },
    insecureFlag,
  ],
  examples: [
    { command: 'weir central --data ./central', what: 'a central, for agents on this machine' },
    { command: 'weir central --ingest unix', what: 'without a port for agents' },
  ],
  run,
}

async function run(values: Values, terminal: Terminal): Promise<number> {
  const dataDir = resolve(values.text('data') ?? '')
  checkLimits()
  const listen = listenOf(values, 'listen')
  const ingest = [{ path: join(dataDir, 'ingest.sock') }, ...ingestOf(values)]
  const reporter = createReporter('central')
  const { createCentral } = await import('../../central/mod.ts')
  const central = createCentral({ dataDir, listen, ingest }, reporter)
  let takeBack = (): void => {}
  const announce = {
    name: 'announce',
    start: () => {
      const url = central.url()
      takeBack = tellRunning(terminal.runtimeFolders, url)
      const addresses = central.ingestAddresses()
      if (process.send) process.send({ type: 'ready', url, ingest: addresses })
      else
        note(
          terminal,
          `Weir central is running: ${url}; agents: ${addresses.map(textOf).join(', ')}`,
        )
    },
    stop: () => takeBack(),
  }
  await runUntilSignal(createLifecycle([central, announce], { reporter, stopDeadlineMs }))
  return 0
}

function ingestOf(values: Values): readonly { host: string; port: number }[] {
  const value = values.text('ingest') ?? ''
  if (value === 'unix') return []
  if (endpointOf(value)) return [listenOf(values, 'ingest')]
  const expected = 'unix or ADDR:PORT'
  throw cliError('bad_value', {
    details: { command: 'central', name: '--ingest', value, expected },
  })
}

function textOf(address: { path: string } | { host: string; port: number }): string {
  return 'path' in address ? address.path : `${address.host}:${address.port}`
}
