// A service for trying things out: answers every GET with 200 and OK, and prints who asked. `node server.mjs [PORT]`, 8080
// unless said otherwise; the port of 0 is any free one.

import { createServer } from 'node:http'

const port = Number(process.argv[2] ?? 8080)
if (process.argv.length > 3 || !Number.isInteger(port) || port < 0 || port > 65_535) {
  process.stderr.write('usage: node server.mjs [PORT]\n')
  process.exit(64)
}

const server = createServer((request, response) => {
  const { remoteAddress, remotePort } = request.socket
  process.stdout.write(
    `${request.method} ${request.url?.slice(0, 200)} from ${remoteAddress} ${remotePort}\n`,
  )
  if (request.method === 'GET' || request.method === 'HEAD') {
    response.writeHead(200, { 'content-type': 'text/plain' }).end('OK')
  } else response.writeHead(405, { allow: 'GET, HEAD' }).end()
})
server.listen(port, () => process.stdout.write(`listening on port ${server.address().port}\n`))
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => server.close())
