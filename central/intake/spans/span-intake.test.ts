// The listeners for OTLP: what is no span of today, or no protobuf, or too much, is refused in the protocol's own words.

import assert from 'node:assert/strict'
import { connect, constants } from 'node:http2'
import { test } from 'node:test'
import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { createProtobufWriter } from '../../export/otlp/protobuf.ts'
import { BadMessage } from './protobuf.ts'
import { forEachSpan } from './request.ts'
import { forEachJsonSpan } from './request-json.ts'
import { withSpanIntake } from './span-intake.fake.ts'

interface Given {
  readonly kind?: number
  readonly endMs?: number
  readonly attributes?: Readonly<Record<string, string | number>>
}

/** A request with a span each; written with the exporter's writer, which the Collector reads. */
function requestOf(spans: readonly Given[]): Buffer {
  const writer = createProtobufWriter()
  const attribute = (field: number, key: string, value: string | number) => {
    const pair = writer.begin(field)
    writer.text(1, key)
    const content = writer.begin(2)
    if (typeof value === 'string') writer.text(1, value)
    else writer.varint(3, value)
    writer.end(content)
    writer.end(pair)
  }
  const resourceSpans = writer.begin(1)
  const resource = writer.begin(1)
  attribute(1, 'service.name', 'shop')
  attribute(1, 'process.pid', 77)
  attribute(1, 'k8s.pod.name', 'shop-0')
  writer.end(resource)
  const scopeSpans = writer.begin(2)
  for (const { kind = 3, endMs = Date.now(), attributes = {} } of spans) {
    const span = writer.begin(2)
    writer.bytes(1, Buffer.alloc(16, 0xab))
    writer.bytes(2, Buffer.alloc(8, 0xcd))
    writer.text(5, 'GET /')
    writer.varint(6, kind)
    for (const [field, ms] of [
      [7, endMs - 5],
      [8, endMs],
    ] as const) {
      const ns = BigInt(ms) * 1_000_000n
      writer.fixed64(field, Number(ns & 0xffff_ffffn), Number(ns >> 32n))
    }
    for (const [key, value] of Object.entries(attributes)) attribute(9, key, value)
    writer.end(span)
  }
  writer.end(scopeSpans)
  writer.end(resourceSpans)
  return writer.take()
}

const peer = {
  'network.peer.address': '10.0.0.2',
  'network.peer.port': '5432',
  'server.address': 'db',
}

const post = (
  port: number,
  body: Buffer,
  headers: Record<string, string> = {},
  path = '/v1/traces',
) =>
  fetch(`http://127.0.0.1:${port}${path}`, {
    method: 'POST',
    body: new Uint8Array(body),
    headers: { 'content-type': 'application/x-protobuf', ...headers },
  })

test('a span says who called whom, and that it did so is answered when its row is taken', () =>
  withSpanIntake(async ({ http, rows }) => {
    const answer = await post(http, gzipSync(requestOf([{ attributes: peer }])), {
      'content-encoding': 'gzip',
    })
    assert.equal(answer.status, 200)
    const [row] = rows
    assert.deepEqual(
      [
        'view',
        'trace_id',
        'span_id',
        'src_workload',
        'src_pid',
        'src_pod',
        'dst_pod',
        'dst_workload',
        'dst_address',
        'dst_port',
        'observer',
        'bytes',
      ].map((name) => row?.[name]),
      [
        'trace',
        'ab'.repeat(16),
        'cd'.repeat(8),
        'shop',
        77,
        'shop-0',
        '',
        'db',
        '10.0.0.2',
        5432,
        'src',
        0,
      ],
    )
  }))

test('spans within a process, and such without a peer, are left out; impossible times are rejected', () =>
  withSpanIntake(async ({ http, rows }) => {
    const spans = [
      { kind: 1, attributes: peer },
      { kind: 3 },
      { attributes: peer, endMs: 5_000 },
      { attributes: peer },
    ]
    const answer = await post(http, requestOf(spans))
    const body = Buffer.from(await answer.arrayBuffer())
    assert.equal(answer.status, 200)
    // ExportTraceServiceResponse.partial_success.rejected_spans = 1
    assert.ok(body.includes(Buffer.from([0x08, 0x01])))
    assert.equal(rows.length, 1)
  }))

test('what is no request of OTLP is refused with its reason', () =>
  withSpanIntake(async ({ http, rows }) => {
    const statusOf = async (answer: Promise<Response>) => (await answer).status
    assert.equal(await statusOf(post(http, Buffer.from('no protobuf'))), 400)
    assert.equal(
      await statusOf(post(http, Buffer.from('a,b'), { 'content-type': 'text/csv' })),
      415,
    )
    assert.equal(await statusOf(post(http, Buffer.from('x'), { 'content-encoding': 'gzip' })), 400)
    assert.equal(
      await statusOf(
        post(http, gzipSync(Buffer.alloc(20_000_000)), { 'content-encoding': 'gzip' }),
      ),
      413,
    )
    const many = requestOf(Array.from({ length: 50_001 }, () => ({ attributes: peer })))
    assert.equal(await statusOf(post(http, many)), 413)
    assert.equal(await statusOf(post(http, requestOf([]), {}, '/v1/metrics')), 404)
    assert.equal(await statusOf(fetch(`http://127.0.0.1:${http}/v1/traces`)), 405)
    assert.deepEqual(rows, [])
  }))

/** As the specification writes it; `change` of the span. */
const jsonOf = (change: Readonly<Record<string, unknown>> = {}) => ({
  resourceSpans: [
    {
      resource: {
        attributes: [
          { key: 'service.name', value: { stringValue: 'shop' } },
          { key: 'process.pid', value: { intValue: '77' } },
          { key: 'k8s.pod.name', value: { stringValue: 'shop-0' } },
          { key: 'process.command_args', value: { arrayValue: { values: [] } } },
        ],
      },
      scopeSpans: [
        {
          scope: { name: 'by hand' },
          spans: [
            {
              traceId: 'AB'.repeat(16),
              spanId: 'CD'.repeat(8),
              name: 'GET /',
              kind: 3,
              startTimeUnixNano: `${Date.now() - 5}000000`,
              endTimeUnixNano: `${Date.now()}000000`,
              attributes: [
                { key: 'network.peer.address', value: { stringValue: '10.0.0.2' } },
                { key: 'network.peer.port', value: { intValue: 5432 } },
                { key: 'server.address', value: { stringValue: 'db' } },
              ],
              notYetKnown: true,
              ...change,
            },
          ],
        },
      ],
    },
  ],
})
const json = { 'content-type': 'application/json; charset=utf-8' }

test('a request in JSON was refused; it is the row that protobuf makes, and the answer is JSON', () =>
  withSpanIntake(async ({ http, rows }) => {
    await post(http, requestOf([{ attributes: peer }]))
    const answer = await post(http, gzipSync(JSON.stringify(jsonOf())), {
      ...json,
      'content-encoding': 'gzip',
    })
    assert.deepEqual(
      [answer.status, answer.headers.get('content-type'), await answer.json()],
      [200, 'application/json', {}],
    )
    const [first, second] = rows.map(({ time: _, start: __, end: ___, ...rest }) => rest)
    assert.deepEqual(second, first)
    assert.equal(rows.length, 2)
    const late = await post(http, Buffer.from(JSON.stringify(jsonOf({ traceId: 'ab' }))), json)
    const { partialSuccess } = (await late.json()) as { partialSuccess: { rejectedSpans: string } }
    assert.equal(partialSuccess.rejectedSpans, '1')
  }))

test('JSON that is no request is refused with its reason, in JSON', () =>
  withSpanIntake(async ({ http, rows }) => {
    for (const [body, reason] of [
      ['{', /JSON/],
      ['[]', /the request is no object/],
      ['{"resourceSpans":{}}', /resourceSpans is no list/],
      [JSON.stringify(jsonOf({ traceId: 'xyz' })), /traceId is not hexadecimal/],
      [JSON.stringify(jsonOf({ endTimeUnixNano: -1 })), /endTimeUnixNano is no time/],
      [JSON.stringify(jsonOf({ kind: 'CLIENT' })), /kind is no whole number/],
      [JSON.stringify(jsonOf({ attributes: [{ value: {} }] })), /an attribute has no key/],
    ] as const) {
      const answer = await post(http, Buffer.from(body), json)
      assert.equal(answer.status, 400, body)
      assert.match(((await answer.json()) as { message: string }).message, reason)
    }
    assert.deepEqual(rows, [])
  }))

test('property: whatever JSON says, it is refused or its spans are spans', () => {
  fc.assert(
    fc.property(fc.json(), fc.constantFrom('resourceSpans', 'scopeSpans', 'spans'), (text, key) => {
      const request = { resourceSpans: [{ scopeSpans: [{ spans: [] }], [key]: JSON.parse(text) }] }
      try {
        forEachJsonSpan(Buffer.from(JSON.stringify(request)), ({ startNs }) =>
          assert.equal(typeof startNs, 'bigint'),
        )
      } catch (error) {
        assert.ok(error instanceof BadMessage, String(error))
      }
    }),
    { numRuns: 500 },
  )
})

test('a span of the older collector has both ends in its own names', () =>
  withSpanIntake(async ({ http, rows }) => {
    const named = {
      ...{ 'src.ip': '10.0.0.1', 'dest.ip': '10.0.0.2', 'src.port': '40000', 'dest.port': 9080 },
      ...{ direction: 'ingress', 'k8s.pod.ip': '10.0.0.2' },
    }
    await post(http, requestOf([{ kind: 1, attributes: named }]))
    const names = ['src_address', 'src_port', 'dst_address', 'dst_port', 'observer', 'dst_workload']
    assert.deepEqual(
      names.map((name) => rows[0]?.[name]),
      ['10.0.0.1', 40_000, '10.0.0.2', 9080, 'dst', 'shop'],
    )
  }))

test('gRPC answers with its own status', () =>
  withSpanIntake(async ({ grpc, rows }) => {
    const session = connect(`http://127.0.0.1:${grpc}`)
    const call = (message: Buffer, path: string) =>
      new Promise<string>((resolve, reject) => {
        const stream = session.request({
          [constants.HTTP2_HEADER_METHOD]: 'POST',
          [constants.HTTP2_HEADER_PATH]: path,
          'content-type': 'application/grpc',
        })
        let status = ''
        const read = (headers: object) => {
          status = String((headers as Record<string, unknown>)['grpc-status'] ?? status)
        }
        stream.on('response', read).on('trailers', read).on('error', reject)
        stream.on('close', () => resolve(status)).resume()
        const head = Buffer.alloc(5)
        head.writeUInt32BE(message.length, 1)
        stream.end(Buffer.concat([head, message]))
      })
    const service = '/opentelemetry.proto.collector.trace.v1.TraceService/Export'
    try {
      assert.equal(await call(requestOf([{ attributes: peer }]), service), '0')
      assert.equal(await call(Buffer.from('no protobuf'), service), '3')
      assert.equal(
        await call(requestOf([]), '/opentelemetry.proto.collector.logs.v1.LogsService/Export'),
        '12',
      )
      assert.equal(rows.length, 1)
    } finally {
      session.close()
    }
  }))

test('property: a damaged request is refused, or its spans are spans', () => {
  const whole = requestOf([{ attributes: peer }, { kind: 2, attributes: peer }])
  const changes = fc.array(fc.tuple(fc.nat(whole.length - 1), fc.nat(255)), { maxLength: 6 })
  fc.assert(
    fc.property(changes, fc.nat(whole.length), (damage, length) => {
      const request = Buffer.from(whole)
      for (const [at, octet] of damage) request[at] = octet
      try {
        forEachSpan(request.subarray(0, length), ({ traceId }) =>
          assert.match(traceId, /^[0-9a-f]*$/),
        )
      } catch (error) {
        assert.ok(error instanceof BadMessage, String(error))
      }
    }),
    { numRuns: 1_000 },
  )
})
