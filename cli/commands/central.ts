// `weir central`: takes the rows of agents, stores them, serves the API and the page.

import { join, resolve } from 'node:path'
import type { CentralConfig } from '../../central/mod.ts'
import { createLifecycle, runUntilSignal } from '../../common/mod.ts'
import { createReporter } from '../../common/reporter/mod.ts'
import { tables } from '../../wire/mod.ts'
import { exportsOf } from '../parse/exports.ts'
import { insecureFlag, listenOf, listensOf, listenUnless } from '../parse/loopback.ts'
import { tellRunning } from '../source/running.ts'
import { type Command, note, type Terminal, type Values } from './command.ts'
import { intakeFlags, intakeOf } from './intake-flags.ts'
import {
  alsoListenFlag,
  configFlag,
  dataFlag,
  exportsBytesFlag,
  ingestFlag,
  listenFlag,
  logLevelFlag,
  prefixesOf,
  retentionFlags,
  seriesFlags,
  seriesOf,
  telemetryAllowFlag,
} from './process-flags.ts'
import { checkLimits } from './process-limits.ts'

const stopDeadlineMs = 15_000

export const centralCommand: Command = {
  name: 'central',
  summary: 'Takes the rows of agents, stores them, serves the API and the page.',
  flags: [
    configFlag,
    dataFlag,
    listenFlag,
    alsoListenFlag,
    ingestFlag,
    telemetryAllowFlag,
    insecureFlag,
    logLevelFlag,
    ...intakeFlags,
    ...seriesFlags,
    exportsBytesFlag,
    ...retentionFlags,
  ],
  readsConfig: true,
  examples: [
    { command: 'weir central --data ./central', what: 'a central, for agents on this machine' },
    { command: 'weir central --ingest unix', what: 'without a port for agents' },
    {
      command: 'weir central --flows-in 0.0.0.0:2055 --flows-from 10.0.0.0/8',
      what: 'takes NetFlow, IPFIX and sFlow of routers and switches',
    },
  ],
  run,
}

async function run(values: Values, terminal: Terminal): Promise<number> {
  const dataDir = resolve(values.text('data') ?? '')
  checkLimits()
  const listen = listenOf(values, 'listen')
  const alsoListen = listensOf(values, 'also-listen')
  const address = listenUnless(values, ingestFlag)
  const ingest = [{ path: join(dataDir, 'ingest.sock') }, ...(address ? [address] : [])]
  const retention = retentionOf(values)
  const reporter = createReporter('central', { level: values.text('log-level') ?? 'info' })
  const { createCentral } = await import('../../central/mod.ts')
  const exports = exportsOf(values.config?.exports ?? [])
  const journalBytesMax = values.octets('exports-bytes') ?? 0
  const central = createCentral(
    {
      dataDir,
      listen,
      alsoListen,
      ingest,
      telemetryAllow: prefixesOf(values.text('telemetry-allow') ?? ''),
      retention,
      metrics: seriesOf(values),
      exports,
      intake: intakeOf(values),
      journalBytesMax,
    },
    reporter,
  )
  let takeBack = (): void => {}
  const announce = {
    name: 'announce',
    start: () => {
      const url = central.url()
      const addresses = central.ingestAddresses()
      const flows = central.flowAddresses()
      const otlp = central.otlpAddresses()
      const tcp = [...alsoListen, otlp.http, otlp.grpc, ...addresses]
      const ports = tcp.flatMap((each) => (each && 'port' in each ? [each.port] : []))
      takeBack = tellRunning(terminal.runtimeFolders, 'central', {
        url,
        ports: [Number(new URL(url).port), ...ports].filter((port) => port > 0),
      })
      if (process.send) process.send({ type: 'ready', url, ingest: addresses, flows, otlp })
      else {
        const places = [`agents: ${addresses.map(textOf).join(', ')}`]
        if (flows.length > 0) places.push(`flows: ${flows.map(textOf).join(', ')}`)
        for (const place of [otlp.http, otlp.grpc]) {
          if (place) places.push(`OTLP: ${textOf(place)}`)
        }
        note(terminal, `Weir central is running: ${url}; ${places.join('; ')}`)
      }
    },
    stop: () => takeBack(),
  }
  await runUntilSignal(createLifecycle([central, announce], { reporter, stopDeadlineMs }))
  return 0
}

function retentionOf(values: Values): NonNullable<CentralConfig['retention']> {
  const limitsOf = (name: string): { ageMaxMs?: number; bytesMax?: number } => {
    const ageMaxMs = values.durationMs(`${name}-age`)
    const bytesMax = values.octets(`${name}-bytes`)
    return {
      ...(ageMaxMs === undefined ? {} : { ageMaxMs }),
      ...(bytesMax === undefined ? {} : { bytesMax }),
    }
  }
  return {
    ...limitsOf('retention'),
    intervalMs: values.durationMs('retention-interval') ?? 0,
    tables: Object.fromEntries(tables.map(({ name }) => [name, limitsOf(`retention-${name}`)])),
  }
}

function textOf(address: { path: string } | { host: string; port: number }): string {
  return 'path' in address ? address.path : `${address.host}:${address.port}`
}
