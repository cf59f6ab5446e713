// Builds the BPF objects that are checked in. Debian 12's clang 14 decides their bytes; a test rebuilds with
// it and compares, so whoever changes C commits what this wrote.

import { spawnSync } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { probeSpecs } from '../kernel/probes/registry.ts'

const home = fileURLToPath(new URL('..', import.meta.url))

export interface Build {
  readonly source: string
  readonly output: string
}

/** The compiler whose objects are checked in; undefined if this machine has none of that version. */
export function findCompiler(): string | undefined {
  return ['clang-14', 'clang'].find((name) =>
    run(name, ['--version'])?.includes('clang version 14.'),
  )
}

export function objectPath(probe: string): string {
  return join(home, 'kernel', 'build', `${probe}.bpf.o`)
}

/** Everything that is built: each probe, and what the loader's tests load and attach. Paths from the repository's root. */
export const builds: readonly Build[] = [
  ...probeSpecs.map(({ name }) => ({
    source: `kernel/probes/${name}/${name}.bpf.c`,
    output: `kernel/build/${name}.bpf.o`,
  })),
  ...['loader', 'attach', 'packet', 'sequence', 'surplus', 'refused'].map((name) => ({
    source: `kernel/testing/${name}.bpf.c`,
    output: `kernel/testing/${name}.bpf.o`,
  })),
]

/** Compiles a source to `output`; throws with the compiler's words. */
export function buildObject(compiler: string, source: string, output: string): void {
  mkdirSync(dirname(output), { recursive: true })
  const multiarch = run('gcc', ['-print-multiarch'])?.trim() ?? `${process.arch}-linux-gnu`
  const options = ['-target', 'bpf', '-mcpu=v3', '-O2', '-g', '-Wall', '-Werror']
  const paths = ['-Ikernel/include', `-I/usr/include/${multiarch}`, `-ffile-prefix-map=${home}=./`]
  check(compiler, [...options, ...paths, '-fdebug-compilation-dir=.', '-c', source, '-o', output])
  check(compiler === 'clang-14' ? 'llvm-strip-14' : 'llvm-strip', ['-g', output])
}

function run(command: string, args: readonly string[]): string | undefined {
  const result = spawnSync(command, args, { cwd: home, encoding: 'utf8', timeout: 60_000 })
  return result.status === 0 ? result.stdout : undefined
}

function check(command: string, args: readonly string[]): void {
  const result = spawnSync(command, args, { cwd: home, encoding: 'utf8', timeout: 60_000 })
  if (result.status !== 0) {
    throw new Error(`${command}: ${result.error?.message ?? ''}${result.stderr}`)
  }
}

if (import.meta.main) {
  const compiler = findCompiler()
  if (compiler === undefined) throw new Error('clang 14 is not here: apt-get install clang llvm')
  for (const { source, output } of builds) {
    buildObject(compiler, source, join(home, output))
    console.log(output)
  }
}
