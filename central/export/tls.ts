// TLS towards receivers: files of PEM, read when a connection is made, so that renewed ones are used.

import { readFile } from 'node:fs/promises'
import { isIP } from 'node:net'
import type { ExportTls } from './config.ts'

export interface TlsOptions {
  readonly ca?: string
  readonly cert?: string
  readonly key?: string
  readonly rejectUnauthorized: true
}

/** Where to connect; a server's name is said only if it is one (RFC 6066), and an address is checked as an address. */
export function serverAt(host: string, port: number) {
  return { host, port, ...(isIP(host) === 0 ? { servername: host } : {}) }
}

/** Options of node:tls; the receiver's certificate is always checked. */
export async function tlsOptions(files: ExportTls): Promise<TlsOptions> {
  const text = (file: string | undefined) =>
    file === undefined ? undefined : readFile(file, 'utf8')
  const [ca, cert, key] = await Promise.all([text(files.ca), text(files.cert), text(files.key)])
  return {
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
    rejectUnauthorized: true,
  }
}
