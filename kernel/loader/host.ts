// What this host and this process may do, from files alone: no library, no privileges.

import { readFileSync, statSync } from 'node:fs'
import { release } from 'node:os'
import { fail } from './errors.ts'

const btfPath = '/sys/kernel/btf/vmlinux'

/** Bits of capabilities(7). */
const capabilities = { CAP_BPF: 39n, CAP_PERFMON: 38n, CAP_SYS_ADMIN: 21n } as const

/** Names of capabilities that loading tracing programs needs and this process lacks. */
export function missingCapabilities(status = readStatus()): readonly string[] {
  const effective = BigInt(`0x${/^CapEff:\s*([0-9a-f]+)/m.exec(status)?.[1] ?? '0'}`)
  const has = (name: keyof typeof capabilities) => ((effective >> capabilities[name]) & 1n) === 1n
  if (has('CAP_SYS_ADMIN')) return []
  return (['CAP_BPF', 'CAP_PERFMON'] as const).filter((name) => !has(name))
}

function readStatus(): string {
  return readText('/proc/self/status')
}

/** The text of a file; empty if it cannot be read. */
export function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}

export function hasBtf(): boolean {
  return statSync(btfPath, { throwIfNoEntry: false }) !== undefined
}

/**
 * Which of these names the kernel's type information knows: `btf_trace_NAME` is there exactly if the
 * tracepoint can be attached to, helper names if the helper exists. Throws `btf_missing`.
 */
export function kernelNames<const N extends string>(names: readonly N[]): ReadonlySet<N> {
  let bytes: Buffer
  try {
    bytes = readFileSync(btfPath)
  } catch (error) {
    throw fail('btf_missing', { cause: error, details: { path: btfPath } })
  }
  return namesInBtf(bytes, names)
}

/** BTF header: magic u16, version u8, flags u8, header length, type offset, type length, string offset, length. */
export function namesInBtf<const N extends string>(
  bytes: Buffer,
  names: readonly N[],
): ReadonlySet<N> {
  if (bytes.length < 24 || bytes.readUInt16LE(0) !== 0xeb9f) throw new Error('not BTF')
  const start = bytes.readUInt32LE(4) + bytes.readUInt32LE(16)
  const strings = bytes.subarray(start, start + bytes.readUInt32LE(20))
  return new Set(names.filter((name) => strings.includes(`\0${name}\0`, 0, 'latin1')))
}

export function kernelRelease(): string {
  return release()
}
