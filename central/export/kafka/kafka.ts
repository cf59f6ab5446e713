// Kafka as a receiver: a message of JSON per row, keyed by its connection, so that rows of one connection are in one
// partition and in order. Written by an idempotent producer to all replicas in sync.

import { isIP } from 'node:net'
import type { MessageToProduce, Producer, SASLOptions } from '@platformatic/kafka'
import { addressOf, brokersOf, reachable, targetOf } from '../brokers.ts'
import type { ExportConfig, RowPlan } from '../config.ts'
import { exportError } from '../errors.ts'
import { chosenFields, jsonRows } from '../json-rows.ts'
import {
  type ExportBatch,
  forEachRow,
  type Position,
  type Receiver,
  type ReceiverKind,
} from '../receiver.ts'
import { tlsOptions } from '../tls.ts'

export const kafkaKind: ReceiverKind = {
  needs: ({ fields }) => [...fields, 'connection_id'],
  create: createKafka,
}

type TextProducer = Producer<string, string, string, string>
type TextMessage = MessageToProduce<string, string, string, string>

/** Text of a request: below the 1 MiB that brokers take when nobody says more. */
const requestCharsMax = 400_000
const mechanisms = {
  plain: 'PLAIN',
  'scram-sha-256': 'SCRAM-SHA-256',
  'scram-sha-512': 'SCRAM-SHA-512',
} as const

function createKafka(config: ExportConfig, plans: readonly RowPlan[]): Receiver {
  const { name, timeoutMs = 10_000, options = {} } = config
  const wrong = (what: string) => exportError('export_wrong', { details: { name, what } })
  const place = brokersOf(config, ['kafka', 'tls'])
  const topic = options['topic'] ?? 'weir'
  if (!/^[\w.-]{1,200}$/.test(topic)) throw wrong('topic: expected letters, digits, dots, - and _')
  const compression = options['compression'] ?? 'gzip'
  const fields = chosenFields(plans)
  let producer: TextProducer | undefined

  async function opened(signal: AbortSignal): Promise<TextProducer> {
    if (producer) return producer
    const { brokers, scheme } = place
    const tls = scheme === 'tls' ? await tlsOptions(config.tls ?? {}) : undefined
    // The client says only that it had no answer.
    await reachable(brokers, tls, signal)
    // 16 MB that only an export to Kafka needs.
    const kafka = await import('@platformatic/kafka')
    const fresh: TextProducer = new kafka.Producer({
      clientId: `weir-export-${name}`,
      bootstrapBrokers: brokers.map(addressOf),
      serializers: kafka.stringSerializers,
      idempotent: true,
      acks: -1,
      compression: compression as 'gzip' | 'zstd' | 'none',
      autocreateTopics: true,
      // The exporter tries again, and says so.
      retries: 0,
      timeout: timeoutMs,
      connectTimeout: timeoutMs,
      requestTimeout: timeoutMs,
      ...(tls ? { tls, tlsServerName: brokers.every(({ host }) => isIP(host) === 0) } : {}),
      ...accessOf(options),
    })
    producer = fresh
    return fresh
  }

  function forget(old: TextProducer): void {
    if (producer === old) producer = undefined
    void old.close(true).catch(() => undefined)
  }

  async function send(batch: ExportBatch, _: Position, signal: AbortSignal): Promise<undefined> {
    const own = await opened(signal)
    const stop = Promise.withResolvers<never>()
    stop.promise.catch(() => undefined)
    const abort = () =>
      stop.reject(exportError('export_away', { details: { what: 'no answer in time' } }))
    if (signal.aborted) abort()
    signal.addEventListener('abort', abort, { once: true })
    const rows = jsonRows(batch, fields.get(batch.table.name) ?? [])
    try {
      for (const messages of requestsOf(batch, `${topic}.${batch.table.name}`, rows)) {
        await Promise.race([own.send({ messages }), stop.promise])
      }
    } catch (error) {
      forget(own)
      throw error
    } finally {
      signal.removeEventListener('abort', abort)
    }
  }

  async function close(): Promise<void> {
    const old = producer
    producer = undefined
    await old?.close(true).catch(() => undefined)
  }

  return { target: targetOf(place), send, close }
}

/** The rows as messages, in requests that a broker takes. */
function* requestsOf(
  batch: ExportBatch,
  topic: string,
  rows: Iterable<string>,
): Generator<TextMessage[]> {
  const keys = keysOf(batch)
  let messages: TextMessage[] = []
  let length = 0
  let index = 0
  for (const value of rows) {
    const id = `${batch.id}-${index}`
    const headers = batch.repeated ? { 'weir-id': id, 'weir-repeated': '1' } : { 'weir-id': id }
    messages.push({ topic, key: keys[index] as string, value, headers })
    index++
    length += value.length
    if (length < requestCharsMax) continue
    yield messages
    messages = []
    length = 0
  }
  if (messages.length > 0) yield messages
}

function keysOf(batch: ExportBatch): readonly string[] {
  const keys: string[] = []
  forEachRow(batch, ({ columns }, row) => {
    const { values } = columns['connection_id'] ?? { values: [] }
    keys.push(((BigInt(values[row * 2 + 1] ?? 0) << 32n) | BigInt(values[row * 2] ?? 0)).toString())
  })
  return keys
}

function accessOf(options: Readonly<Record<string, string>>): { sasl?: SASLOptions } {
  const { user, password = '', sasl = 'plain' } = options
  if (user === undefined) return {}
  return {
    sasl: { mechanism: mechanisms[sasl as keyof typeof mechanisms], username: user, password },
  }
}
