// Addresses of receivers that are several servers: `nats://a:4222,b:4222`.

import { once } from 'node:events'
import { connect as connectTcp } from 'node:net'
import { connect as connectTls } from 'node:tls'
import type { ExportConfig } from './config.ts'
import { exportError } from './errors.ts'
import { serverAt, type TlsOptions } from './tls.ts'

export interface Broker {
  readonly host: string
  readonly port: number
}

export interface Brokers {
  readonly scheme: string
  readonly brokers: readonly Broker[]
}

/** The servers of an export's endpoint. Throws AppError export_wrong. */
export function brokersOf(
  { name, endpoint }: Pick<ExportConfig, 'name' | 'endpoint'>,
  schemes: readonly string[],
): Brokers {
  const known = parseBrokers(endpoint, schemes)
  if (known) return known
  const forms = schemes.map((scheme) => `${scheme}://HOST:PORT`).join(' or ')
  const what = `endpoint: expected ${forms}, more behind commas`
  throw exportError('export_wrong', { details: { name, what } })
}

/** Undefined when the text is none with one of these schemes. */
function parseBrokers(endpoint: string, schemes: readonly string[]): Brokers | undefined {
  const [scheme, rest] = endpoint.split('://')
  if (scheme === undefined || rest === undefined || !schemes.includes(scheme)) return undefined
  const brokers = rest.split(',').map((one): Broker | undefined => {
    const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^\s:/@[\]]+)):(\d{1,5})$/.exec(one.trim())
    const [, v6, name = '', port] = match ?? []
    return match ? { host: v6 ?? name, port: Number(port) } : undefined
  })
  const known = brokers.filter((one) => one !== undefined)
  return known.length === brokers.length ? { scheme, brokers: known } : undefined
}

export function targetOf({ scheme, brokers }: Brokers): string {
  return `${scheme}://${brokers.map(addressOf).join(',')}`
}

/** HOST:PORT, an IPv6 address in brackets. */
export function addressOf({ host, port }: Broker): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`
}

/** The first that can be connected to, its certificate included. Throws what was wrong with the last. */
export async function reachable(
  brokers: readonly Broker[],
  tls: TlsOptions | undefined,
  signal: AbortSignal,
): Promise<Broker> {
  let wrong: unknown
  for (const broker of brokers) {
    const socket = tls
      ? connectTls({ ...serverAt(broker.host, broker.port), ...tls })
      : connectTcp({ host: broker.host, port: broker.port })
    try {
      await once(socket, tls ? 'secureConnect' : 'connect', { signal })
      return broker
    } catch (error) {
      wrong = error
    } finally {
      socket.on('error', () => undefined)
      socket.destroy()
    }
  }
  throw wrong
}
