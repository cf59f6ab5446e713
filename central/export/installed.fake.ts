// Debian's programs that a test needs: whether they are here.

import { existsSync } from 'node:fs'
import { join } from 'node:path'

/** Program → Debian package; `tools/ready.mjs test` installs them. */
const packages: Readonly<Record<string, string>> = {
  nfcapd: 'nfdump',
  nfdump: 'nfdump',
  nfacctd: 'pmacct',
  pmacctd: 'pmacct',
  softflowd: 'softflowd',
  tshark: 'tshark',
}

/** Why a test with these programs cannot run here, as `skip` takes it; false when it can. */
export function missing(...programs: readonly string[]): string | false {
  const isThere = (name: string) =>
    ['/usr/bin', '/usr/sbin'].some((folder) => existsSync(join(folder, name)))
  const absent = programs.filter((name) => !isThere(name))
  if (absent.length === 0) return false
  const needed = [...new Set(absent.map((name) => packages[name]))].join(' ')
  return `${absent.join(', ')} is not installed: apt-get install ${needed}`
}
