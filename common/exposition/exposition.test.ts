// The two text formats, held against their specifications by hand and against Debian's promtool and Prometheus in
// test/programs/prometheus.native.test.ts.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { gunzipSync } from 'node:zlib'
import { acceptsGzip, metricsAnswer, metricsOf } from './answer.ts'
import { exposition, formatOf } from './exposition.ts'
import { type Family, labelsText } from './family.ts'

const families: readonly Family[] = [
  {
    name: 'x_bytes_total',
    kind: 'counter',
    unit: 'bytes',
    help: 'A "quoted" \\ help\nof two lines.',
    series: () => [
      {
        labels: labelsText([
          ['a', 'q"b\\c\nd'],
          ['none', ''],
        ]),
        value: 7,
        createdMs: 1500,
      },
    ],
  },
  {
    name: 'x_info',
    kind: 'info',
    help: 'Facts.',
    series: () => [{ labels: 'v="1"', value: 1 }],
  },
  {
    name: 'x_seconds',
    kind: 'histogram',
    unit: 'seconds',
    help: 'Times.',
    series: () => [
      {
        labels: 'a="b"',
        value: 3.5,
        createdMs: 2000,
        histogram: { bounds: [0.5, 1], counts: Float64Array.of(1, 0, 2) },
      },
    ],
  },
]

test('text 0.0.4: no unit, no created time, no end mark; buckets add up', () => {
  assert.equal(
    [...exposition(families, 'text')].join(''),
    `# HELP x_bytes_total A "quoted" \\\\ help\\nof two lines.
# TYPE x_bytes_total counter
x_bytes_total{a="q\\"b\\\\c\\nd"} 7
# HELP x_info Facts.
# TYPE x_info gauge
x_info{v="1"} 1
# HELP x_seconds Times.
# TYPE x_seconds histogram
x_seconds_bucket{a="b",le="0.5"} 1
x_seconds_bucket{a="b",le="1"} 1
x_seconds_bucket{a="b",le="+Inf"} 3
x_seconds_sum{a="b"} 3.5
x_seconds_count{a="b"} 3
`,
  )
})

test('OpenMetrics 1.0: family names without endings, units, created times, # EOF', () => {
  assert.equal(
    [...exposition(families, 'openmetrics')].join(''),
    `# HELP x_bytes A \\"quoted\\" \\\\ help\\nof two lines.
# TYPE x_bytes counter
# UNIT x_bytes bytes
x_bytes_total{a="q\\"b\\\\c\\nd"} 7
x_bytes_created{a="q\\"b\\\\c\\nd"} 1.5
# HELP x Facts.
# TYPE x info
x_info{v="1"} 1
# HELP x_seconds Times.
# TYPE x_seconds histogram
# UNIT x_seconds seconds
x_seconds_bucket{a="b",le="0.5"} 1
x_seconds_bucket{a="b",le="1.0"} 1
x_seconds_bucket{a="b",le="+Inf"} 3
x_seconds_sum{a="b"} 3.5
x_seconds_count{a="b"} 3
x_seconds_created{a="b"} 2
# EOF
`,
  )
})

test('a reader gets the format it prefers, and text when it says nothing we know', () => {
  const prometheus2 =
    'application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1'
  const cases: readonly (readonly [string | undefined, string])[] = [
    [undefined, 'text'],
    ['', 'text'],
    ['*/*', 'text'],
    ['text/html', 'text'],
    [prometheus2, 'openmetrics'],
    ['application/openmetrics-text; version=1.0.0; q=0.2, text/plain; q=0.9', 'text'],
    ['application/openmetrics-text;version=0.0.1', 'text'],
    ['application/openmetrics-text; q=0', 'text'],
  ]
  for (const [accept, format] of cases) assert.equal(formatOf(accept), format, accept)
})

test('the answer is compressed for who can read it, and refused compression is respected', async () => {
  const metrics = metricsOf(families)
  const zipped = metricsAnswer(metrics, 'gzip;q=0.8, deflate')
  assert.equal(zipped.headers['content-encoding'], 'gzip')
  assert.equal(gunzipSync(Buffer.concat(await zipped.body.toArray())).toString(), metrics.text)
  const plain = metricsAnswer(metrics, 'gzip;q=0')
  assert.equal(plain.headers['content-encoding'], undefined)
  assert.equal(Buffer.concat(await plain.body.toArray()).toString(), metrics.text)
  assert.deepEqual(['br', 'gzip;q=0.0', '*', 'GZIP'].map(acceptsGzip), [false, false, true, true])
})

test('a large answer comes in chunks, each of which is short', () => {
  const many: Family = {
    ...(families[0] as Family),
    series: () =>
      Array.from({ length: 20_000 }, (_, index) => ({ labels: `a="${index}"`, value: index })),
  }
  const chunks = [...exposition([many], 'text')]
  assert.ok(chunks.length > 5)
  for (const chunk of chunks) assert.ok(chunk.length < 70_000)
})
