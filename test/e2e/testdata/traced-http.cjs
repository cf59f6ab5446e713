// An application with OpenTelemetry's own SDK, as its users have it: a server, or a client that calls it.
//
//   node traced-http.cjs server NAME OTLP-URL grpc|http/protobuf            prints its port
//   node traced-http.cjs client NAME OTLP-URL grpc|http/protobuf PORT N     calls N times, prints trace and own port of each

const { registerInstrumentations } = require('@opentelemetry/instrumentation')
const { HttpInstrumentation } = require('@opentelemetry/instrumentation-http')
const { resourceFromAttributes } = require('@opentelemetry/resources')
const { NodeTracerProvider, BatchSpanProcessor } = require('@opentelemetry/sdk-trace-node')

const [role, name, url, protocol, port, count] = process.argv.slice(2)
const exporter =
  protocol === 'grpc'
    ? new (require('@opentelemetry/exporter-trace-otlp-grpc').OTLPTraceExporter)({ url })
    : new (require('@opentelemetry/exporter-trace-otlp-proto').OTLPTraceExporter)({
        url: `${url}/v1/traces`,
        compression: 'gzip',
      })
const provider = new NodeTracerProvider({
  resource: resourceFromAttributes({ 'service.name': name, 'process.pid': process.pid }),
  spanProcessors: [new BatchSpanProcessor(exporter, { scheduledDelayMillis: 200 })],
})
provider.register()
registerInstrumentations({ instrumentations: [new HttpInstrumentation()] })
const http = require('node:http')
const { trace } = require('@opentelemetry/api')

async function end() {
  await provider.forceFlush()
  await provider.shutdown()
  process.exit(0)
}

if (role === 'server') {
  const server = http.createServer((request, response) => {
    const { traceId, spanId } = trace.getActiveSpan().spanContext()
    response.end(JSON.stringify({ traceId, spanId, port: request.socket.remotePort }))
  })
  server.listen(0, '127.0.0.1', () => console.log(server.address().port))
  process.once('SIGTERM', end)
} else {
  const agent = new http.Agent({ keepAlive: false })
  const call = () =>
    new Promise((resolve, reject) => {
      const request = http.get({ host: '127.0.0.1', port, agent, path: '/' }, (response) => {
        let text = ''
        response.on('data', (part) => {
          text += part
        })
        response.on('close', () => resolve(JSON.parse(text)))
      })
      request.on('error', reject)
    })
  const calls = async () => {
    const made = []
    for (let index = 0; index < Number(count); index++) made.push(await call())
    console.log(JSON.stringify(made))
    await end()
  }
  calls()
}
