// Entry of central as a process of its own. argv[2] = CentralConfig as JSON; tells its parent when it is ready.

import { AppError, createLifecycle, createReporter, runUntilSignal } from '../common/mod.ts'
import { type CentralConfig, createCentral } from './central.ts'

const config = JSON.parse(process.argv[2] ?? '{}') as CentralConfig
const reporter = createReporter('central')
const central = createCentral(config, reporter)
const announce = {
  name: 'announce',
  start: () => {
    const message = { type: 'ready', url: central.url(), ingest: central.ingestAddresses() }
    process.send?.(message)
  },
  stop: () => {},
}

try {
  await runUntilSignal(createLifecycle([central, announce], { reporter, stopDeadlineMs: 15_000 }))
  process.exit(0)
} catch (error) {
  if (!(error instanceof AppError)) throw error
  process.stderr.write(`weir: ${error.message}\n${error.remedy}\n`)
  process.exit(error.exitCode)
}
