// NATS JetStream as a receiver: a message of JSON per row. Each has an id (Nats-Msg-Id) that says which row it is, so
// the server keeps a row once that comes again within the stream's duplicate window.

import { readFile } from 'node:fs/promises'
import {
  JetStreamApiError,
  type JetStreamManager,
  jetstreamManager,
  PubHeaders,
} from '@nats-io/jetstream'
import {
  connect,
  headers as createHeaders,
  credsAuthenticator,
  type NatsConnection,
} from '@nats-io/transport-node'
import { parseDurationMs } from '../../../common/mod.ts'
import { type JsonChunk, jsonChunks, rowsIn } from '../../../wire/mod.ts'
import { abortable } from '../abortable.ts'
import { addressOf, brokersOf, reachable, targetOf } from '../brokers.ts'
import { chosenFields, type ExportConfig, type RowPlan } from '../config.ts'
import { exportError } from '../errors.ts'
import type { ExportBatch, Position, Receiver, ReceiverKind } from '../receiver.ts'
import { tlsOptions } from '../tls.ts'
import { createPublisher, type Publisher } from './publisher.ts'

export const natsKind: ReceiverKind = { needs: ({ fields }) => fields, create: createNats }

/** The id of a row is remembered for so long in a stream that we make. */
const duplicateWindowMs = 600_000
const streamNotFound = 10_059

interface Open {
  readonly connection: NatsConnection
  readonly publisher: Publisher
}

function createNats(config: ExportConfig, plans: readonly RowPlan[]): Receiver {
  const { name, timeoutMs = 10_000, options = {} } = config
  const wrong = (what: string) => exportError('export_wrong', { details: { name, what } })
  const place = brokersOf(config, ['nats', 'tls'])
  const stream = options['stream'] ?? 'WEIR'
  const subject = options['subject'] ?? 'weir'
  if (!/^[\w-]+$/.test(stream)) throw wrong('stream: expected letters, digits, - and _')
  if (!/^[\w-]+(?:\.[\w-]+)*$/.test(subject))
    throw wrong('subject: expected words with dots between')
  const retentionMs = parseDurationMs(options['retention'] ?? '7d')
  const fields = chosenFields(plans)
  let open: Open | undefined

  async function opened(signal: AbortSignal): Promise<Open> {
    if (open && !open.connection.isClosed()) return open
    const { scheme, brokers } = place
    const isTls = scheme === 'tls'
    const tls = isTls ? await tlsOptions(config.tls ?? {}) : undefined
    const broker = await reachable(brokers, undefined, signal)
    // Without a host the client checks the certificate of an address against `localhost`.
    const own = tls && { ...tls, host: broker.host }
    const connecting = connect({
      servers: addressOf(broker),
      name: `weir export ${name}`,
      reconnect: false,
      ignoreClusterUpdates: true,
      timeout: timeoutMs,
      ...(own ? { tls: own } : {}),
      ...(await accessOf(options)),
    })
    try {
      const connection = await abortable(signal, async () => {
        const fresh = await connecting
        if (isTls && !fresh.info?.tls_required && !fresh.info?.tls_available)
          throw new Error('the server does not speak TLS')
        await prepare(await jetstreamManager(fresh, { timeout: timeoutMs }))
        return fresh
      })
      open = { connection, publisher: createPublisher(connection) }
      return open
    } catch (error) {
      // It may come yet.
      void connecting.then((late) => late.close()).catch(() => undefined)
      throw error
    }
  }

  /** A stream that is there is used as it is. */
  async function prepare({ streams }: JetStreamManager): Promise<void> {
    try {
      await streams.info(stream)
    } catch (error) {
      if (!(error instanceof JetStreamApiError) || error.code !== streamNotFound) throw error
      await streams.add({
        name: stream,
        subjects: [`${subject}.>`],
        max_age: (retentionMs ?? 0) * 1_000_000,
        duplicate_window: duplicateWindowMs * 1_000_000,
      })
    }
  }

  async function send(batch: ExportBatch, _: Position, signal: AbortSignal): Promise<undefined> {
    const { connection, publisher } = await opened(signal)
    try {
      const chunks = jsonChunks(batch.parts, fields.get(batch.table.name) ?? [])
      const to = { name, subject: `${subject}.${batch.table.name}` }
      await abortable(signal, () => publishAll(publisher, to, batch, chunks))
    } catch (error) {
      await connection.close().catch(() => undefined)
      throw error
    }
  }

  async function close(): Promise<void> {
    await open?.connection.close().catch(() => undefined)
  }

  return { target: targetOf(place), send, close }
}

async function publishAll(
  publisher: Publisher,
  { name, subject }: { readonly name: string; readonly subject: string },
  batch: ExportBatch,
  chunks: Iterable<JsonChunk>,
): Promise<void> {
  const headers = createHeaders()
  if (batch.repeated) headers.set('Weir-Repeated', '1')
  let index = 0
  for (const chunk of chunks) {
    for (const row of rowsIn(chunk)) {
      headers.set(PubHeaders.MsgIdHdr, `${name}-${batch.id}-${index++}`)
      publisher.publish(subject, row, headers)
      if (publisher.isFull()) await publisher.room()
    }
  }
  await publisher.acknowledged()
}

async function accessOf(options: Readonly<Record<string, string>>) {
  const { credentials, user, password: pass } = options
  if (credentials !== undefined)
    return { authenticator: credsAuthenticator(await readFile(credentials)) }
  return user === undefined ? {} : { user, pass: pass ?? '' }
}
