// Where a process may listen: on loopback. Without TLS and tokens another address would show every connection
// of the host to whoever can reach it, so it must be asked for by name.

import { BlockList, isIP } from 'node:net'
import type { Flag, Values } from '../commands/command.ts'
import { cliError } from '../errors.ts'
import { endpointOf, endpointsOf } from './arguments.ts'

export const insecureFlag: Flag = {
  name: 'insecure',
  kind: 'switch',
  config: 'insecure',
  help: 'Allows an address that is not loopback, without TLS and without a token.',
}

const loopback = new BlockList()
loopback.addSubnet('127.0.0.0', 8, 'ipv4')
loopback.addAddress('::1', 'ipv6')

/** The endpoint of a flag. Throws AppError not_loopback unless --insecure is given. */
export function listenOf(values: Values, name: string): { host: string; port: number } {
  const text = values.text(name) ?? ''
  const endpoint = endpointOf(text)
  if (!endpoint) throw new Error(`--${name} was not checked`)
  if (isLoopback(endpoint.host) || values.on('insecure')) return endpoint
  throw cliError('not_loopback', { details: { address: text } })
}

/** The endpoints of a flag that is a list. Throws AppError not_loopback unless --insecure is given. */
export function listensOf(values: Values, name: string): { host: string; port: number }[] {
  return endpointsOf(values.text(name) ?? '').map((endpoint) => {
    if (!endpoint) throw new Error(`--${name} was not checked`)
    if (isLoopback(endpoint.host) || values.on('insecure')) return endpoint
    throw cliError('not_loopback', { details: { address: `${endpoint.host}:${endpoint.port}` } })
  })
}

/** Where the process listens by that flag; undefined for its word for nowhere. Throws AppError not_loopback. */
export function listenUnless(
  values: Values,
  flag: Flag,
): { host: string; port: number } | undefined {
  return values.text(flag.name) === flag.listensUnless ? undefined : listenOf(values, flag.name)
}

/** A name other than localhost may resolve to anything. */
export function isLoopback(host: string): boolean {
  const family = isIP(host)
  if (family === 0) return host === 'localhost'
  return loopback.check(host, family === 4 ? 'ipv4' : 'ipv6')
}
