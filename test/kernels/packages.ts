// Kernels and emulator from Debian's packages, from the mirror that this machine already uses.

import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

export interface Kernel {
  /** `uname -r` of it. */
  readonly release: string
  readonly image: string
  /** Its /lib/modules/RELEASE. */
  readonly modules: string
}

export const series: readonly string[] = ['5.10', '6.1', '6.12']

const folder = fileURLToPath(new URL('../../build/kernels/', import.meta.url))
const keyring = '/usr/share/keyrings/debian-archive-keyring.gpg'
const suites = ['bookworm', 'bookworm-backports', 'bullseye']
const programs = ['qemu-system-x86_64', 'cpio', 'busybox', 'modprobe']
const packages = ['qemu-system-x86', 'cpio', 'busybox-static', 'kmod']

/** qemu 10 comes from backports: the emulator of Debian 12 itself crashes half of the 6.12 boots. */
export function installTools(): void {
  const path = `${process.env['PATH']}:/usr/sbin:/sbin`.split(':')
  const missing = programs.filter((program) => !path.some((at) => existsSync(join(at, program))))
  if (missing.length === 0) return
  console.log(`installing ${packages.join(', ')} …`)
  update()
  apt(
    'apt-get',
    'install',
    '-y',
    '-q',
    '--no-install-recommends',
    '-t',
    'bookworm-backports',
    ...packages,
  )
}

/** Downloads and unpacks the newest kernel package of a series, once. */
export function fetchKernel(name: string): Kernel {
  const at = join(folder, name)
  if (!existsSync(at)) {
    update()
    const found = apt(
      'apt-cache',
      'search',
      '--names-only',
      `^linux-image-${name}\\..*cloud-amd64$`,
    )
    const newest = newestOf(found.split('\n').map((line) => line.split(' ')[0] as string))
    console.log(`fetching ${newest} …`)
    apt('apt-get', 'download', '-q', newest)
    const [deb] = readdirSync(folder).filter((file) => file.startsWith(newest))
    execFileSync('dpkg-deb', ['-x', join(folder, deb as string), at])
  }
  return unpacked(at)
}

function unpacked(at: string): Kernel {
  const [release] = readdirSync(join(at, 'lib/modules'))
  if (release === undefined) throw new Error(`no modules in ${at}`)
  const modules = join(at, 'lib/modules', release)
  if (!existsSync(join(modules, 'modules.dep'))) {
    execFileSync('/sbin/depmod', ['-b', at, release])
  }
  return { release, modules, image: join(at, 'boot', `vmlinuz-${release}`) }
}

function newestOf(names: readonly string[]): string {
  const newest = names
    .filter((name) => name !== '')
    .toSorted((a, b) => a.localeCompare(b, 'en', { numeric: true }))
    .at(-1)
  if (newest === undefined) throw new Error('no such kernel package')
  return newest
}

function update(): void {
  mkdirSync(join(folder, 'lists'), { recursive: true })
  const list = suites.map((suite) => `deb [signed-by=${keyring}] ${mirror()} ${suite} main\n`)
  writeFileSync(join(folder, 'sources.list'), list.join(''))
  apt('apt-get', 'update', '-q')
}

function mirror(): string {
  const files = ['/etc/apt/sources.list', '/etc/apt/sources.list.d/debian.sources']
  const text = files.filter((file) => existsSync(file)).map((file) => readFileSync(file, 'utf8'))
  const found = /^(?:URIs:|deb)\s+(?:\[.*\]\s+)?(\S+\/debian\/?)\s*/m.exec(text.join('\n'))
  if (!found?.[1]) throw new Error('this machine has no Debian mirror in its apt sources')
  return found[1]
}

function apt(program: string, ...args: readonly string[]): string {
  const options = {
    'Dir::Etc::sourcelist': join(folder, 'sources.list'),
    'Dir::Etc::sourceparts': '-',
    'Dir::State::lists': join(folder, 'lists'),
    'APT::Sandbox::User': 'root',
  }
  const flags = Object.entries(options).flatMap(([key, value]) => ['-o', `${key}=${value}`])
  return execFileSync(program, [...flags, ...args], {
    cwd: folder,
    encoding: 'utf8',
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
}
