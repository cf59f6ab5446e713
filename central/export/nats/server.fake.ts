// Debian's nats-server with JetStream for a test, and what is in its stream.

import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { jetstreamManager } from '@nats-io/jetstream'
import { connect } from '@nats-io/transport-node'
import { freePort } from '../../../common/free-port.fake.ts'
import { createServer } from '../server.fake.ts'

const program = ['/usr/sbin', '/usr/bin']
  .map((folder) => join(folder, 'nats-server'))
  .find(existsSync)

/** As a test's `skip`: why it cannot run. */
export const noNats =
  program === undefined && 'nats-server is not installed: apt-get install nats-server'

export interface NatsMessage {
  readonly subject: string
  readonly id: string
  readonly repeated: boolean
  readonly text: string
}

export async function createNatsServer(more: readonly string[] = []) {
  const data = mkdtempSync(join(tmpdir(), 'weir-nats-'))
  const port = await freePort()
  const args = ['-js', '-sd', data, '-a', '127.0.0.1', '-p', String(port), ...more]
  const server = createServer({ program: program ?? '', args, ports: [port] })

  /** Every message of the stream, in its order. */
  async function messages(stream: string, options: object = {}): Promise<readonly NatsMessage[]> {
    const connection = await connect({ servers: `127.0.0.1:${port}`, ...options })
    try {
      const { streams } = await jetstreamManager(connection)
      const { state } = await streams.info(stream)
      const found: NatsMessage[] = []
      for (let seq = state.first_seq; seq <= state.last_seq && state.messages > 0; seq++) {
        const message = await streams.getMessage(stream, { seq })
        if (!message) throw new Error(`message ${seq} is not there`)
        const { subject, header } = message
        const id = header.get('Nats-Msg-Id')
        found.push({ subject, id, repeated: header.has('Weir-Repeated'), text: message.string() })
      }
      return found
    } finally {
      await connection.close()
    }
  }

  async function remove(): Promise<void> {
    await server.stop('SIGKILL')
    rmSync(data, { recursive: true, force: true })
  }

  return { ...server, port, url: `nats://127.0.0.1:${port}`, messages, remove }
}
