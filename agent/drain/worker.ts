// Entry of the thread that owns the probe. It drains the ring on a timer that follows the load: the kernel
// never wakes it (a wake-up per record costs ten times the record).

import { parentPort, workerData } from 'node:worker_threads'
import { AppError, messageOf } from '../../common/mod.ts'
import { bootToWallNs, networkNamespaces, openSocketProbe } from '../../kernel/mod.ts'
import { createCollector } from './collector.ts'
import type { FromWorker, ToWorker, WorkerData } from './messages.ts'

const busyMs = 10
const calmMs = 100
/** After a drain that found nothing: on a host without traffic the wake-ups are most of what the agent costs. */
const idleMs = 250
/** When a drain found so much of the ring full, the next one comes soon: ten times the load still fits. */
const busyShare = 0.1

const port = parentPort as NonNullable<typeof parentPort>

function post(message: FromWorker, transfer: readonly ArrayBuffer[] = []): void {
  port.postMessage(message, [...transfer])
}

function run(): void {
  const probe = openSocketProbe(workerData as WorkerData)
  const collector = createCollector({
    door: { probe, namespaces: networkNamespaces, bootToWallNs },
    sink: (buffer, records) => post({ type: 'records', buffer, records }, [buffer]),
  })
  let timer = setTimeout(tick, busyMs)

  function tick(): void {
    const records = collector.drain()
    const isBusy = records > busyShare * probe.ringRecords
    timer = setTimeout(tick, isBusy ? busyMs : records > 0 ? calmMs : idleMs)
  }

  port.on('message', (message: ToWorker) => {
    if (message.type === 'recycle') collector.recycle(message.buffer)
    else if (message.type === 'snapshot') {
      post({ type: 'snapshot', report: collector.snapshot(message.complete) })
    } else {
      clearTimeout(timer)
      probe.close()
      port.close()
    }
  })
  post({ type: 'ready', programs: probe.programs })
}

try {
  run()
} catch (error) {
  post(failure(error))
}

function failure(error: unknown): FromWorker {
  const { code, status, exitCode, remedy } =
    error instanceof AppError
      ? error
      : { code: 'drain_died', status: 500, exitCode: 70, remedy: 'Run weir doctor.' }
  return { type: 'failed', code, message: messageOf(error), status, exitCode, remedy }
}
