// What this host and this process may do, from files alone: no library, no privileges.

import { closeSync, openSync, readFileSync, readSync, statSync } from 'node:fs'
import { release } from 'node:os'
import { fail } from './errors.ts'

export const btfPath = '/sys/kernel/btf/vmlinux'

/** Bits of capabilities(7). */
const capabilities = {
  CAP_NET_ADMIN: 12n,
  CAP_NET_RAW: 13n,
  CAP_SYS_ADMIN: 21n,
  CAP_PERFMON: 38n,
  CAP_BPF: 39n,
} as const

export type Capability = keyof typeof capabilities

/** What loading tracing programs takes. */
const tracingNeeds = ['CAP_BPF', 'CAP_PERFMON'] as const
/** CAP_SYS_ADMIN stands in for these. */
const underSysAdmin = new Set<Capability>(tracingNeeds)

/** Which of these capabilities this process lacks: those for tracing programs if not said. */
export function missingCapabilities(
  needed: readonly Capability[] = tracingNeeds,
  status = readStatus(),
): readonly Capability[] {
  const effective = BigInt(`0x${/^CapEff:\s*([0-9a-f]+)/m.exec(status)?.[1] ?? '0'}`)
  const has = (name: Capability) => ((effective >> capabilities[name]) & 1n) === 1n
  const stoodIn = (name: Capability) => underSysAdmin.has(name) && has('CAP_SYS_ADMIN')
  return needed.filter((name) => !has(name) && !stoodIn(name))
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
  try {
    return namesInBtf(btfStrings(btfPath), names)
  } catch (error) {
    throw fail('btf_missing', { cause: error, details: { path: btfPath } })
  }
}

/**
 * The strings of a BTF file, a third of it. Its header: magic u16, version u8, flags u8, header length,
 * type offset, type length, string offset, length.
 */
export function btfStrings(path: string): Buffer {
  const file = openSync(path, 'r')
  try {
    const header = Buffer.alloc(24)
    const read = readSync(file, header, 0, 24, 0)
    if (read < 24 || header.readUInt16LE(0) !== 0xeb9f) throw new Error('not BTF')
    const strings = Buffer.alloc(header.readUInt32LE(20))
    const start = header.readUInt32LE(4) + header.readUInt32LE(16)
    fill(file, strings, start)
    return strings
  } finally {
    closeSync(file)
  }
}

/** The kernel gives its file in pieces: one read is not all of it. */
function fill(file: number, buffer: Buffer, start: number): void {
  for (let filled = 0; filled < buffer.length; ) {
    const read = readSync(file, buffer, filled, buffer.length - filled, start + filled)
    if (read === 0) throw new Error('BTF is cut off')
    filled += read
  }
}

export function namesInBtf<const N extends string>(
  strings: Buffer,
  names: readonly N[],
): ReadonlySet<N> {
  return new Set(names.filter((name) => strings.includes(`\0${name}\0`, 0, 'latin1')))
}

export function kernelRelease(): string {
  return release()
}
