// Makes a fresh clone ready for `npm start` and `npm test`, and costs nothing when it already is.
// Plain JavaScript for whatever Node the machine's npm has (18 and later): the product's own runtime is
// one of the things that this script installs.
//
//   node tools/ready.mjs start   packages, libbpf, the page
//   node tools/ready.mjs test    the same and what the tests use
//   node tools/ready.mjs check   packages alone
//   node tools/ready.mjs setup   everything

import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const home = fileURLToPath(new URL('..', import.meta.url))

/** What a Debian or Ubuntu package is for, and how to see that it is there. */
const packages = [
  { name: 'libbpf1', has: () => library('libbpf.so.1'), why: 'loads the probes', for: 'start' },
  {
    name: 'iproute2',
    has: () => command('ip') && command('ss'),
    why: 'namespaces, ss',
    for: 'test',
  },
  { name: 'clang', has: () => command('clang'), why: 'rebuilds the probes', for: 'test' },
  { name: 'llvm', has: () => command('llvm-strip'), why: 'rebuilds the probes', for: 'test' },
  {
    name: 'libbpf-dev',
    has: () => existsSync('/usr/include/bpf/bpf_helpers.h'),
    why: 'rebuilds the probes',
    for: 'test',
  },
  {
    name: 'libc6-dev',
    has: () => existsSync('/usr/include/stdio.h'),
    why: 'compiles test programs',
    for: 'test',
  },
  { name: 'gcc', has: () => command('cc'), why: 'compiles test programs', for: 'test' },
  {
    name: 'bpftool',
    has: () => command('bpftool'),
    why: 'checks what is left in the kernel',
    for: 'test',
  },
  { name: 'nftables', has: () => command('nft'), why: 'loses packets, counts them', for: 'test' },
  { name: 'iperf3', has: () => command('iperf3'), why: 'traffic', for: 'test' },
  { name: 'python3', has: () => command('python3'), why: 'traffic', for: 'test' },
  { name: 'chromium', has: () => command('chromium'), why: 'looks at the page', for: 'test' },
]

/** Debian's own programs as traffic (test/programs). A test whose program cannot be had is skipped with that reason. */
const programs = [
  { name: 'nginx-light', has: () => command('nginx') },
  { name: 'apache2-utils', has: () => command('ab') },
  { name: 'redis-server', has: () => command('redis-server') },
  { name: 'haproxy', has: () => command('haproxy') },
  { name: 'socat', has: () => command('socat') },
  { name: 'prometheus', has: () => command('prometheus') && command('promtool') },
  { name: 'postgresql', has: () => existsSync('/usr/lib/postgresql') },
  { name: 'nfdump', has: () => command('nfcapd') },
  { name: 'softflowd', has: () => command('softflowd') },
  { name: 'tshark', has: () => command('tshark') },
  { name: 'tcpdump', has: () => command('tcpdump') },
  { name: 'pmacct', has: () => command('nfacctd') },
  { name: 'nats-server', has: () => command('nats-server') },
]

/** What Debian would start at the next boot, by how the package's name begins. */
const servicesOf = {
  nginx: ['nginx'],
  'redis-server': ['redis-server'],
  haproxy: ['haproxy'],
  prometheus: ['prometheus'],
  postgresql: ['postgresql'],
  'nats-server': ['nats-server'],
  softflowd: ['softflowd'],
  pmacct: ['pmacctd', 'nfacctd', 'sfacctd', 'uacctd'],
}

/** Programs of others that tests build, where their tools are to be had; else those tests are skipped with that reason. */
const built = [
  {
    name: 'the OpenTelemetry Collector',
    folder: join('test', 'programs', 'otelcol'),
    file: join('build', 'otelcol'),
    tool: 'go',
    args: ['build', '-mod=readonly', '-o', join(home, 'build', 'otelcol'), '.'],
  },
  {
    name: 'the reader of Grafana dashboards',
    folder: join('test', 'programs', 'grafana'),
    file: join('build', 'grafana'),
    tool: 'go',
    args: ['build', '-mod=readonly', '-o', join(home, 'build', 'grafana'), '.'],
  },
  {
    name: 'Apache Kafka',
    folder: join('test', 'programs', 'kafka'),
    file: join('build', 'kafka', 'done'),
    tool: 'mvn',
    args: [
      '-q',
      '-B',
      'dependency:copy-dependencies',
      `-DoutputDirectory=${join(home, 'build', 'kafka')}`,
    ],
  },
]
const buildMsMax = 600_000

const mode = process.argv[2] ?? 'start'
if (!['start', 'test', 'check', 'setup'].includes(mode)) {
  stop(`unknown mode ${mode}`, 'one of: start, test, check, setup')
}
if (process.platform !== 'linux') stop('Weir measures the Linux kernel', 'run it on Linux')

installNpmPackages()
if (mode !== 'check') {
  installSystemPackages(mode)
  if (mode !== 'start') {
    installPrograms()
    for (const program of built) buildProgram(program)
  }
  buildPage()
}

function installNpmPackages() {
  const lock = hash([readFileSync(join(home, 'package-lock.json'))])
  const stamp = join(home, 'node_modules', '.weir-lock')
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === lock) return
  say('installing the npm packages (1 GB with the embedded database, once) …')
  run('npm', ['ci', '--ignore-scripts', '--loglevel=error'], 'see the lines of npm above')
  writeFileSync(stamp, lock)
}

function installSystemPackages(wanted) {
  const missing = packages.filter((p) => (wanted !== 'start' || p.for === 'start') && !p.has())
  if (missing.length === 0) return
  const names = missing.map((p) => p.name)
  for (const p of missing) say(`missing: ${p.name} (${p.why})`)
  const line = `apt-get update && apt-get install -y --no-install-recommends ${names.join(' ')}`
  if (process.getuid?.() !== 0 || !command('apt-get')) {
    stop('system packages are missing', `on Debian or Ubuntu, as root: ${line}`)
  }
  say(`installing ${names.join(' ')} …`)
  const quiet = { env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' } }
  run('apt-get', ['update', '-q'], line, quiet)
  run('apt-get', ['install', '-y', '-q', '--no-install-recommends', ...names], line, quiet)
}

/** Installs what is missing without starting a server of it, now or at the next boot; says so where it cannot. */
function installPrograms() {
  const names = programs.filter((program) => !program.has()).map((program) => program.name)
  if (names.length === 0) return
  if (process.getuid?.() !== 0 || !command('apt-get')) {
    say(`tests of these programs are skipped, they are not installed: ${names.join(' ')}`)
    return
  }
  say(`installing ${names.join(' ')} (their services are not started) …`)
  const policy = '/usr/sbin/policy-rc.d'
  const own = !existsSync(policy)
  if (own) writeFileSync(policy, '#!/bin/sh\nexit 101\n', { mode: 0o755 })
  const quiet = {
    stdio: ['ignore', 2, 2],
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
  }
  try {
    spawnSync('apt-get', ['update', '-q'], quiet)
    const options = ['-y', '-q', '--no-install-recommends']
    const { status } = spawnSync('apt-get', ['install', ...options, ...names], quiet)
    if (status !== 0) say(`apt-get ended with ${status}: tests of what is missing are skipped`)
    // Debian enables what it installs for the next boot.
    const services = Object.entries(servicesOf).flatMap(([start, units]) =>
      names.some((name) => name.startsWith(start)) ? units : [],
    )
    if (services.length > 0 && existsSync('/run/systemd/system')) {
      spawnSync('systemctl', ['disable', '--quiet', ...services], quiet)
    }
  } finally {
    if (own) rmSync(policy)
  }
}

/** Once; a file with the digest of its sources says so. */
function buildProgram({ name, folder, file, tool, args }) {
  const sources = files(join(home, folder)).sort()
  const sum = hash(sources.map((path) => readFileSync(path)))
  const stamp = join(home, 'build', `.${tool}-${hash([file]).slice(0, 8)}`)
  if (existsSync(join(home, file)) && existsSync(stamp) && readFileSync(stamp, 'utf8') === sum)
    return
  if (!command(tool)) {
    say(`${tool} is not installed: tests of ${name} are skipped`)
    return
  }
  say(`building ${name} with ${tool} (a few minutes, once) …`)
  const options = { cwd: join(home, folder), stdio: ['ignore', 2, 2], timeout: buildMsMax }
  const { status, signal } = spawnSync(tool, args, options)
  if (status !== 0) {
    say(`${tool} ended with ${signal ?? status}: tests of ${name} are skipped`)
    return
  }
  if (tool === 'mvn') writeFileSync(join(home, file), '')
  writeFileSync(stamp, sum)
}

/** Builds the dashboard when its sources differ from those that `web/dist` was built from. */
function buildPage() {
  const dist = join(home, 'web', 'dist')
  const folders = ['web', join('api', 'contract'), join('common', 'number'), join('common', 'time')]
  const sources = folders.flatMap((folder) => files(join(home, folder)))
  const inputs = [...sources.sort(), join(home, 'package-lock.json')]
  const sum = hash(inputs.map((file) => readFileSync(file)))
  const stamp = join(dist, '.sources')
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === sum) return
  say('building the page …')
  const bin = join(home, 'node_modules', '.bin')
  const env = { ...process.env, PATH: `${bin}${delimiter}${process.env.PATH}` }
  const args = [
    join(home, 'node_modules', 'vite', 'bin', 'vite.js'),
    'build',
    '--config',
    'web/vite.config.ts',
    '--logLevel',
    'warn',
  ]
  run(join(bin, 'node'), args, 'npm run build:web shows why', { env })
  mkdirSync(dist, { recursive: true })
  writeFileSync(stamp, sum)
}

function run(program, args, remedy, options = {}) {
  const done = spawnSync(program, args, { cwd: home, stdio: ['ignore', 2, 2], ...options })
  if (done.error) stop(`running ${program}: ${done.error.message}`, remedy)
  if (done.status !== 0) stop(`${program} ended with ${done.signal ?? done.status}`, remedy)
}

function command(name) {
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/sbin']
  return folders.some((folder) => existsSync(join(folder, name)))
}

function library(name) {
  const roots = ['/usr/lib', '/lib', '/usr/lib64', '/usr/local/lib']
  const triplets = ['', 'x86_64-linux-gnu', 'aarch64-linux-gnu']
  return roots.some((root) => triplets.some((triplet) => existsSync(join(root, triplet, name))))
}

function files(folder) {
  return readdirSync(folder).flatMap((name) => {
    if (name === 'dist' || name.endsWith('.test.ts')) return []
    const path = join(folder, name)
    return statSync(path).isDirectory() ? files(path) : [path]
  })
}

function hash(parts) {
  const sum = createHash('sha256')
  for (const part of parts) sum.update(part)
  return sum.digest('hex')
}

function say(text) {
  process.stderr.write(`weir: ${text}\n`)
}

function stop(what, remedy) {
  process.stderr.write(`weir: ${what}\n  ${remedy}\n`)
  process.exit(1)
}
