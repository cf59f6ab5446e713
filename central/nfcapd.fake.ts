// nfcapd and nfdump: what they make of datagrams, for exports and intake.

import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync } from 'node:fs'
import { join } from 'node:path'
import { freePort } from '../common/free-port.fake.ts'
import { until } from '../common/until.fake.ts'

/** Addresses, ports, protocol; octets and packets there, octets and packets back. */
const format = 'fmt:%sa,%da,%sp,%dp,%pr,%ibyt,%ipkt,%obyt,%opkt'

/** Cells of each flow that it read of what `send` sent to a port of loopback. Nothing is lost that it was given. */
export async function readByNfcapd(
  folder: string,
  send: (port: number) => Promise<void>,
): Promise<readonly (readonly string[])[]> {
  const port = await freePort()
  const files = mkdtempSync(join(folder, 'nfcapd-'))
  const listen = ['-b', '127.0.0.1', '-p', String(port), '-B', '4000000']
  const collector = spawn('nfcapd', ['-l', files, ...listen, '-t', '3600'], { stdio: 'ignore' })
  const ended = once(collector, 'exit')
  try {
    await until('nfcapd to listen', () => socketLine(port).includes(`:${port}`))
    await send(port)
    // It leaves what lies in its socket when it ends.
    await until('nfcapd to have read all', () => / 0 +0 /.test(socketLine(port)))
  } finally {
    collector.kill('SIGTERM')
    await ended
  }
  const text = execFileSync('nfdump', ['-R', files, '-q', '-o', format, '-N', '-6']).toString()
  const lines = text.trim().split('\n')
  return lines.map((line) => line.split(',').map((cell) => cell.trim()))
}

function socketLine(port: number): string {
  return execFileSync('ss', ['-lunH', `sport = :${port}`]).toString()
}
