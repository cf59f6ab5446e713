// Kafka as a receiver: a message of JSON per row, keyed by its connection, so that rows of one connection are in one
// partition and in order. Written by an idempotent producer to all replicas in sync.

import { isIP } from 'node:net'
import type { MessageToProduce, Producer, SASLOptions, Serializers } from '@platformatic/kafka'
import { createTextWriter, type Field, jsonChunks, rowsIn } from '../../../wire/mod.ts'
import { abortable } from '../abortable.ts'
import { addressOf, brokersOf, reachable, targetOf } from '../brokers.ts'
import { chosenFields, type ExportConfig, type RowPlan } from '../config.ts'
import { exportError } from '../errors.ts'
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

type OctetProducer = Producer<Buffer, Buffer, Buffer, Buffer>
type OctetMessage = MessageToProduce<Buffer, Buffer, Buffer, Buffer>

/** Rows of a request: below the 1 MiB that brokers take when nobody says more. */
const requestOctetsMax = 400_000
const same = (octets?: Buffer) => octets
const serializers: Serializers<Buffer, Buffer, Buffer, Buffer> = {
  key: same,
  value: same,
  headerKey: same,
  headerValue: same,
}
const idHeader = Buffer.from('weir-id')
const repeatedHeader = [Buffer.from('weir-repeated'), Buffer.from('1')] as const
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
  let producer: OctetProducer | undefined

  async function opened(signal: AbortSignal): Promise<OctetProducer> {
    if (producer) return producer
    const { brokers, scheme } = place
    const tls = scheme === 'tls' ? await tlsOptions(config.tls ?? {}) : undefined
    // The client says only that it had no answer.
    await reachable(brokers, tls, signal)
    // 16 MB that only an export to Kafka needs.
    const kafka = await import('@platformatic/kafka')
    const fresh: OctetProducer = new kafka.Producer({
      clientId: `weir-export-${name}`,
      bootstrapBrokers: brokers.map(addressOf),
      serializers,
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

  function forget(old: OctetProducer): void {
    if (producer === old) producer = undefined
    void old.close(true).catch(() => undefined)
  }

  async function send(batch: ExportBatch, _: Position, signal: AbortSignal): Promise<undefined> {
    const own = await opened(signal)
    const topicName = `${topic}.${batch.table.name}`
    try {
      for (const messages of requestsOf(batch, topicName, fields.get(batch.table.name) ?? [])) {
        await abortable(signal, () => own.send({ messages }))
      }
    } catch (error) {
      forget(own)
      throw error
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
  fields: readonly Field[],
): Generator<OctetMessage[]> {
  const keys = keysOf(batch)
  let index = 0
  for (const chunk of jsonChunks(batch.parts, fields, { octetsMax: requestOctetsMax })) {
    const messages: OctetMessage[] = []
    for (const value of rowsIn(chunk)) {
      const headers = new Map([[idHeader, Buffer.from(`${batch.id}-${index}`)]])
      if (batch.repeated) headers.set(...repeatedHeader)
      messages.push({ topic, key: keys[index] as Buffer, value, headers })
      index++
    }
    yield messages
  }
}

/** The connection id of every row, as decimal digits. */
function keysOf(batch: ExportBatch): readonly Buffer[] {
  const writer = createTextWriter(batch.count * 20)
  const ends: number[] = []
  forEachRow(batch, ({ columns }, row) => {
    const { values } = columns['connection_id'] ?? { values: [] }
    writer.id(values[row * 2] ?? 0, values[row * 2 + 1] ?? 0)
    ends.push(writer.length())
  })
  const octets = writer.take()
  return ends.map((end, index) => octets.subarray(ends[index - 1] ?? 0, end))
}

function accessOf(options: Readonly<Record<string, string>>): { sasl?: SASLOptions } {
  const { user, password = '', sasl = 'plain' } = options
  if (user === undefined) return {}
  return {
    sasl: { mechanism: mechanisms[sasl as keyof typeof mechanisms], username: user, password },
  }
}
