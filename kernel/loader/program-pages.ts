// Starting touches half of Node's own program file, living touches a quarter of it. Once started, a process lets go of
// the mapped pages, and the kernel maps again what is really used. Numbers: docs/design/004-memory.md.

import { readFileSync } from 'node:fs'
import { openLibc } from './library.ts'

/** Part of the address space: its first octet and its length. */
export interface Mapping {
  readonly at: number
  readonly length: number
}

const advice = 4 // MADV_DONTNEED

/**
 * Unmaps the pages of Node's program file. Nothing is lost: they stay in the page cache, and touching one maps it
 * again. Never throws: where the kernel refuses (locked memory) or does not tell, all stays as it was.
 */
export function releaseProgramPages(): void {
  const { madvise } = openLibc()
  const mappings = programMappings(ownSmaps(), process.execPath)
  for (const { at, length } of mappings) madvise(BigInt(at), length, advice)
}

/**
 * Mappings of `program` that no one can have written to: read-only, private, and without a page of their own (that
 * would be a relocation, lost for good when let go). Format: proc_pid_smaps(5).
 */
export function programMappings(smaps: string, program: string): readonly Mapping[] {
  const found = smaps.matchAll(
    /^([0-9a-f]+)-([0-9a-f]+) (r-[-x]p) \S+ \S+ \d+ +(.+)$((?:\n[A-Z]\w+:.*)*)/gm,
  )
  return [...found].flatMap(([, from = '', to = '', , path, facts = '']) => {
    if (path !== program || !/^Anonymous:\s+0 kB$/m.test(facts)) return []
    const at = Number.parseInt(from, 16)
    return [{ at, length: Number.parseInt(to, 16) - at }]
  })
}

function ownSmaps(): string {
  try {
    return readFileSync('/proc/self/smaps', 'utf8')
  } catch {
    return '' // a kernel without CONFIG_PROC_PAGE_MONITOR
  }
}
