// Certificates for a test, made by openssl: a CA, a server's certificate for 127.0.0.1 alone, and a CA that signed nothing.

import { execFileSync } from 'node:child_process'
import { chownSync, existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** As a test's `skip`: why it cannot run. */
export const noOpenssl = !existsSync('/usr/bin/openssl') && 'openssl is not installed'

export interface Certificates {
  readonly ca: string
  /** It signed nothing. */
  readonly otherCa: string
  readonly cert: string
  readonly key: string
  /** Key and certificate in one file. */
  readonly both: string
}

export function makeCertificates(folder: string): Certificates {
  const at = (name: string) => join(folder, name)
  const openssl = (...args: string[]) => execFileSync('openssl', args, { stdio: 'ignore' })
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes']
  for (const name of ['ca', 'other-ca']) {
    const files = ['-keyout', at(`${name}.key`), '-out', at(`${name}.pem`)]
    openssl('req', '-x509', ...newKey, ...files, '-days', '2', '-subj', `/CN=${name} of a test`)
  }
  openssl('req', ...newKey, '-keyout', at('key.pem'), '-out', at('csr.pem'), '-subj', '/CN=server')
  writeFileSync(at('extensions'), 'subjectAltName=IP:127.0.0.1')
  const signer = ['-CA', at('ca.pem'), '-CAkey', at('ca.key'), '-CAcreateserial']
  const made = ['-in', at('csr.pem'), '-out', at('cert.pem'), '-extfile', at('extensions')]
  openssl('x509', '-req', ...made, ...signer, '-days', '2')
  const [key, cert, both] = [at('key.pem'), at('cert.pem'), at('both.pem')]
  writeFileSync(both, readFileSync(key, 'utf8') + readFileSync(cert, 'utf8'))
  return { ca: at('ca.pem'), otherCa: at('other-ca.pem'), cert, key, both }
}

/** A copy of the key that PostgreSQL takes: owned by its user. */
export function keyOfPostgres({ key }: Certificates): string {
  const own = `${key}.postgres`
  writeFileSync(own, readFileSync(key), { mode: 0o600 })
  if (process.getuid?.() === 0) {
    const id = (flag: string) => Number(execFileSync('id', [flag, 'postgres']))
    chownSync(own, id('-u'), id('-g'))
  }
  return own
}
