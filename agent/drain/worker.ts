// Entry of the thread that owns the probes. It drains their rings on a timer that follows the load: the kernel never
// wakes it (a wake-up per record costs ten times the record).

import { parentPort, workerData } from 'node:worker_threads'
import { AppError, messageOf } from '../../common/mod.ts'
import {
  bootToWallNs,
  networkNamespaces,
  type OpenProbe,
  openProbes,
  programStates,
} from '../../kernel/mod.ts'
import { type Collector, createCollector } from './collector.ts'
import type { Failure, FromWorker, ToWorker, WorkerData } from './messages.ts'
import { drainAll } from './sources.ts'

const firstMs = 10
const port = parentPort as NonNullable<typeof parentPort>

function post(message: FromWorker, transfer: readonly ArrayBuffer[] = []): void {
  port.postMessage(message, [...transfer])
}

async function run(): Promise<void> {
  const { opened, failed } = await openProbes(workerData as WorkerData)
  const collectors = new Map(opened.map((probe) => [probe.name, collectorOf(probe)]))
  const sources = opened.map(({ name, ringRecords }) => ({
    ringRecords,
    collector: collectors.get(name) as Collector,
  }))
  let timer = setTimeout(tick, firstMs)

  function tick(): void {
    timer = setTimeout(tick, drainAll(sources))
  }

  port.on('message', (message: ToWorker) => {
    if (message.type === 'recycle') collectors.get(message.source)?.recycle(message.buffer)
    else if (message.type === 'snapshot') {
      const { complete } = message
      const reports = sources.map(({ collector }) => collector.snapshot(complete))
      const programs = complete ? programStates({ opened, failed }) : []
      const report = { bootToWallNs: bootToWallNs(), sources: reports, programs }
      post({ type: 'snapshot', report })
    } else {
      clearTimeout(timer)
      for (const probe of opened) probe.close()
      port.close()
    }
  })
  post({
    type: 'ready',
    running: opened.map(({ name, programs }) => ({ probe: name, programs })),
    failed: failed.map(({ probe, error }) => ({ probe, ...failureOf(error) })),
  })
}

function collectorOf(probe: OpenProbe): Collector {
  const source = probe.name
  return createCollector({
    door: { probe, namespaces: networkNamespaces },
    sink: (buffer, records) => post({ type: 'records', source, buffer, records }, [buffer]),
  })
}

try {
  await run()
} catch (error) {
  post({ type: 'failed', ...failureOf(error) })
}

function failureOf(error: unknown): Failure {
  const { code, status, exitCode, remedy } =
    error instanceof AppError
      ? error
      : { code: 'drain_died', status: 500, exitCode: 70, remedy: 'Run weir doctor.' }
  return { code, message: messageOf(error), status, exitCode, remedy }
}
