// What libbpf and the verifier say goes here instead of to standard error, so that an error can quote it.

import koffi from 'koffi'
import { type Libbpf, openLibc, type Pointer } from './library.ts'

/** All messages are kept up to this, then the oldest go. */
const keptMax = 256 * 1024
/** libbpf hands over what the verifier said, 16 MiB at most, as one message. */
const textMax = 17 << 20
/** Kept of one message: its end, where it says what decides. */
const endMax = 128 * 1024

const printType = koffi.pointer(
  koffi.proto('int WeirPrint(int level, const char *format, void *args)'),
)
let kept: string[] = []
let keptLength = 0
let callback: bigint | undefined

/** Runs `work` while libbpf's messages are collected; they are for `decisiveLine`. */
export function collectMessages<T>(bpf: Libbpf, work: (said: () => string) => T): T {
  kept = []
  keptLength = 0
  callback ??= koffi.register(keep, printType)
  const before = bpf.setPrint(callback)
  try {
    return work(() => kept.join(''))
  } finally {
    if (before !== null) bpf.setPrint(before)
  }
}

function keep(level: number, format: string, args: Pointer): number {
  if (level > 1) return 0 // 0 warns, 1 informs, 2 debugs
  // Memory that is not touched is not used; this is for errors.
  const text = Buffer.allocUnsafeSlow(textMax)
  const length = openLibc().vsnprintf(text, textMax, format, args)
  const end = Math.max(0, Math.min(length, textMax - 1))
  const line = text.toString('utf8', Math.max(0, end - endMax), end)
  kept.push(line)
  keptLength += line.length
  while (keptLength > keptMax && kept.length > 1) keptLength -= kept.shift()?.length ?? 0
  return 0
}

/**
 * The one line of libbpf's messages that says what is wrong: the verifier's last complaint before its
 * statistics, else the last line that says that something failed; the first line when nothing is known.
 */
export function decisiveLine(said: string): string {
  const lines = said
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !/try raising 'ulimit -l'/.test(line)) // libbpf's guess at every EPERM
  const statistics = lines.findLastIndex((line) => line.startsWith('processed '))
  if (statistics > 0) {
    const complaint = lines.slice(0, statistics).findLast((line) => !isListing(line))
    if (complaint !== undefined) return complaint.replace(/^libbpf: /, '')
  }
  const telling = lines.findLast((line) => /failed to find|unknown func|not found|CO-RE/.test(line))
  const failed = lines.find((line) => /failed|error|invalid/i.test(line))
  return (telling ?? failed ?? lines[0] ?? '').replace(/^libbpf: /, '')
}

/** Instructions, register states and source lines of a verifier dump. */
function isListing(line: string): boolean {
  const isMark = / PROG LOAD LOG --$/.test(line)
  return isMark || /^(;|\d+: |from \d+ to|R\d+=|mark_|last_idx|regs=|parent )/.test(line)
}
