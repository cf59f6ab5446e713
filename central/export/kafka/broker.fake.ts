// A real Kafka broker for a test: one node, KRaft, on loopback. Its jars come from Maven (test/programs/kafka). What it
// holds is read by Kafka's own program from its files.

import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { freePort } from '../../../common/free-port.fake.ts'
import { createServer } from '../server.fake.ts'

const jars = fileURLToPath(new URL('../../../build/kafka', import.meta.url))
const java = '/usr/bin/java'

/** As a test's `skip`: why it cannot run. */
export const noKafka = !existsSync(java)
  ? 'Java is not installed: apt-get install default-jre-headless'
  : !existsSync(join(jars, 'done')) && 'the broker is not built: npm run setup (needs Maven)'

export interface KafkaMessage {
  readonly key: string
  readonly repeated: boolean
  readonly text: string
}

export interface BrokerOptions {
  /** Of its listener for clients: PLAINTEXT or SSL. */
  readonly protocol?: 'PLAINTEXT' | 'SSL'
  readonly host?: string
  /** More lines of its properties. */
  readonly lines?: readonly string[]
}

export async function createBroker({
  protocol = 'PLAINTEXT',
  host = '127.0.0.1',
  lines = [],
}: BrokerOptions = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'weir-kafka-'))
  const [port, controller] = [await freePort(), await freePort()]
  const properties = join(folder, 'server.properties')
  const logs = join(folder, 'logs')
  const settings = [
    'process.roles=broker,controller',
    'node.id=1',
    `controller.quorum.voters=1@127.0.0.1:${controller}`,
    'controller.listener.names=CONTROLLER',
    `listener.security.protocol.map=CONTROLLER:PLAINTEXT,CLIENTS:${protocol}`,
    `listeners=CLIENTS://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controller}`,
    `advertised.listeners=CLIENTS://${host}:${port}`,
    'inter.broker.listener.name=CLIENTS',
    `log.dirs=${logs}`,
    'num.partitions=2',
    'offsets.topic.replication.factor=1',
    ...lines,
  ]
  writeFileSync(properties, `${settings.join('\n')}\n`)
  const run = (main: string, ...args: string[]) =>
    execFileSync(java, [...javaArgs, main, ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
      maxBuffer: 2 ** 28,
    })
  run('kafka.tools.StorageTool', 'format', '-t', 'MkU3OEVBNTcwNTJENDM2Qg', '-c', properties)
  const server = createServer({
    program: java,
    args: ['-Xmx300m', ...javaArgs, 'kafka.Kafka', properties],
    ports: [port],
  })

  /** Every message of the topic; the broker must be stopped. */
  function messages(topic: string): readonly KafkaMessage[] {
    const files = readdirSync(logs, { recursive: true })
      .map(String)
      .filter((file) => file.startsWith(`${topic}-`) && file.endsWith('.log'))
      .map((file) => join(logs, file))
    const text = run('kafka.tools.DumpLogSegments', '--print-data-log', '--files', files.join(','))
    return text
      .toString()
      .split('\n')
      .flatMap((line) => messageOf(line) ?? [])
  }

  async function remove(): Promise<void> {
    await server.stop('SIGKILL')
    rmSync(folder, { recursive: true, force: true })
  }

  const folderOf = (topic: string) => join(logs, `${topic}-0`)
  return { ...server, port, url: `kafka://127.0.0.1:${port}`, folderOf, messages, remove }
}

const javaArgs = ['-cp', `${jars}/*`, '-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC']

/** `| offset: 0 … headerKeys: [weir-id] key: 9223372036854775808 weir-id: … payload: {…}`. */
function messageOf(line: string): KafkaMessage | undefined {
  const payload = line.indexOf(' payload: ')
  if (!line.startsWith('| offset: ') || payload < 0) return undefined
  const head = line.slice(0, payload)
  return {
    key: / key: (\S*)/.exec(head)?.[1] ?? '',
    repeated: head.includes('weir-repeated'),
    text: line.slice(payload + ' payload: '.length),
  }
}
