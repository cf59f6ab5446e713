// The initial RAM disk: this host's own programs with their libraries, the kernel's network modules, the sources.

import { execFileSync } from 'node:child_process'
import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { probeSpecs } from '../../kernel/mod.ts'
import type { Kernel } from './packages.ts'

const home = fileURLToPath(new URL('../../', import.meta.url))
/** What the tests call, and what init needs. */
const programs = [
  'ip',
  'ss',
  'nsenter',
  'nft',
  'python3.11',
  'bpftool',
  'kmod',
  'tc',
  'taskset',
  'setpriv',
]
/** libffi is for Python's ctypes. */
const libraries = ['libbpf.so.1', 'libffi.so.8']
const modules = [
  'kernel/net',
  'kernel/drivers/net/veth',
  'kernel/drivers/net/tun',
  'kernel/lib',
  'kernel/crypto',
]
const sources = ['kernel', 'common', 'wire', 'package.json']
/** npm packages that these sources import. */
const packages = [
  'koffi',
  '@koromix',
  'pino',
  'tdigest',
  'bintrees',
  '@opentelemetry',
  'fast-check',
  'pure-rand',
]
const pinoNeeds = [
  'pino-std-serializers',
  'pino-abstract-transport',
  'on-exit-leak-free',
  'quick-format-unescaped',
  'real-require',
  'safe-stable-stringify',
  'sonic-boom',
  'thread-stream',
  'atomic-sleep',
  'split2',
  'process-warning',
  '@pinojs',
]

/** Every test that needs a kernel: the loader's and those of each probe of the registry. */
export const kernelTests: readonly string[] = [
  'kernel/include',
  'kernel/loader',
  'kernel/loader/attach',
  ...probeSpecs.map(({ name }) => `kernel/probes/${name}`),
].map((folder) => `${folder}/*.native.test.ts`)

const initFor = (tests: readonly string[]) => `#!/bin/busybox sh
/bin/busybox --install -s /bin
mount -t proc none /proc; mount -t sysfs none /sys; mount -t devtmpfs none /dev
mkdir -p /dev/shm /sys/fs/cgroup /sys/fs/bpf /run /tmp
mount -t tmpfs none /tmp; mount -t tmpfs none /run; mount -t cgroup2 none /sys/fs/cgroup; mount -t bpf none /sys/fs/bpf
export PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/tmp
ip link set lo up
modprobe veth; modprobe tun; modprobe sch_tbf; modprobe nf_tables; modprobe bridge; modprobe sch_ingress; modprobe cls_bpf; modprobe nft_numgen; modprobe nft_counter; modprobe nft_masq; modprobe nft_nat; modprobe nft_chain_nat; modprobe nft_reject_inet; modprobe nft_reject_ipv4
cd /weir
export WEIR_RULE_SETS=30 NODE_COMPILE_CACHE=/tmp/compiled
node --test --test-concurrency=1 --test-reporter=tap ${tests.join(' ')}
echo "weir-guest: done, exit code $?"
poweroff -f
`

/** Makes the disk and returns its path; the guest runs these test files. `part` is in its name: a kernel has several disks. */
export function buildDisk(kernel: Kernel, part: string, tests: readonly string[]): string {
  const root = join(dirname(dirname(kernel.image)), `root-${part.replaceAll(/\W+/g, '-')}`)
  rmSync(root, { recursive: true, force: true })
  for (const folder of ['bin', 'proc', 'sys', 'dev', 'usr/bin', 'lib', 'weir']) {
    mkdirSync(join(root, folder), { recursive: true })
  }
  writeFileSync(join(root, 'init'), initFor(tests), { mode: 0o755 })
  cpSync(realpathSync('/bin/busybox'), join(root, 'bin/busybox'))
  copyPrograms(root)
  copyModules(root, kernel)
  copySources(root)
  const disk = `${root}.cpio`
  execFileSync('sh', ['-c', `find . | cpio --quiet -o -H newc > ${disk}`], { cwd: root })
  rmSync(root, { recursive: true, force: true })
  return disk
}

function copyPrograms(root: string): void {
  const node = realpathSync(join(home, 'node_modules/.bin/node'))
  copyWithLibraries(root, node, '/usr/bin/node')
  for (const name of programs) {
    const path = ['/usr/sbin', '/usr/bin', '/sbin', '/bin']
      .map((at) => join(at, name))
      .find(existsSync)
    if (path === undefined) throw new Error(`${name} is not installed`)
    copyWithLibraries(root, realpathSync(path), `/usr/bin/${name}`)
  }
  for (const name of libraries) {
    const path = join('/usr/lib/x86_64-linux-gnu', name)
    copyWithLibraries(root, path, path)
  }
  symlinkSync('python3.11', join(root, 'usr/bin/python3'))
  mkdirSync(join(root, 'sbin'), { recursive: true })
  symlinkSync('/usr/bin/kmod', join(root, 'sbin/modprobe'))
  const python = 'usr/lib/python3.11'
  cpSync(join('/', python), join(root, python), { recursive: true, dereference: true })
}

function copyWithLibraries(root: string, from: string, to: string): void {
  copyFile(root, from, to)
  const needed = execFileSync('ldd', [from], { encoding: 'utf8' })
  for (const [, path] of needed.matchAll(/(\/\S+) \(0x/g))
    copyFile(root, path as string, path as string)
}

function copyFile(root: string, from: string, to: string): void {
  const target = join(root, to)
  if (existsSync(target)) return
  mkdirSync(dirname(target), { recursive: true })
  copyFileSync(realpathSync(from), target)
}

function copyModules(root: string, kernel: Kernel): void {
  const target = join(root, 'lib/modules', kernel.release)
  for (const file of ['modules.dep', 'modules.alias', 'modules.symbols', 'modules.softdep']) {
    const from = join(kernel.modules, file)
    if (existsSync(from)) copyFile(target, from, file)
  }
  for (const name of modules) {
    for (const suffix of ['', '.ko', '.ko.xz']) {
      const from = join(kernel.modules, name + suffix)
      if (existsSync(from)) cpSync(from, join(target, name + suffix), { recursive: true })
    }
  }
}

function copySources(root: string): void {
  for (const name of sources) {
    cpSync(join(home, name), join(root, 'weir', name), { recursive: true })
  }
  for (const name of [...packages, ...pinoNeeds]) {
    const from = join(home, 'node_modules', name)
    if (existsSync(from))
      cpSync(realpathSync(from), join(root, 'weir/node_modules', name), { recursive: true })
  }
}
