// Which unit tests need not run again: those that passed with the very same sources, for the inner loop alone. A test
// depends on what it imports, all the way down, and on every file that is no source: on documents, if it names one. One
// that looks at the tree runs always.

import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

/** Paths of test files are from `home` on, with `/`. */
export interface Unchanged {
  /** Whether this test file passed with all that it depends on as it is now. */
  has(file: string): boolean
  /** Remembers that these have passed. */
  keep(files: readonly string[]): void
}

const importPattern =
  /(?:^(?:import|export)\b[^'"`;]*?|\bimport\(\s*|\bnew URL\(\s*)['"](\.[^'"]+)['"]/gm
const namesDocument = /\.md['"`]/
const looksAtTree = /\bnew URL\('\.{1,2}\/?', import\.meta\.url\)/

/** `stamps` is where it is remembered, from one run to the next; outside of a git checkout nothing is. */
export function unchangedSince(home: string, stamps: string): Unchanged {
  const texts = new Map<string, string>()
  const textOf = (file: string): string => {
    const known = texts.get(file) ?? readFileSync(join(home, file), 'utf8')
    texts.set(file, known)
    return known
  }
  const known = existsSync(stamps)
    ? (JSON.parse(readFileSync(stamps, 'utf8')) as Record<string, string>)
    : {}
  const files = filesOf(home)
  const { documents = [], rest = [] } = Object.groupBy(
    files?.filter((file) => !/\.tsx?$/.test(file)) ?? [],
    (file) => (file.endsWith('.md') ? 'documents' : 'rest'),
  )
  const ground = hashOf(home, rest)
  const written = hashOf(home, documents)

  /** All sources that it depends on, itself too. */
  function closure(file: string, found = new Set<string>()): ReadonlySet<string> {
    if (found.has(file)) return found
    found.add(file)
    for (const [, target = ''] of textOf(file).matchAll(importPattern)) {
      const path = join(dirname(file), target)
      if (/\.tsx?$/.test(path) && existsSync(join(home, path))) closure(path, found)
    }
    return found
  }

  function fingerprint(file: string): string | undefined {
    if (files === undefined || file.startsWith('tools/') || looksAtTree.test(textOf(file))) {
      return undefined
    }
    const hash = createHash('sha256').update(ground)
    for (const one of [...closure(file)].sort()) {
      hash.update(`\0${one}\0${textOf(one)}`)
      if (namesDocument.test(textOf(one))) hash.update(written)
    }
    return hash.digest('hex')
  }

  return {
    has: (file) => known[file] !== undefined && known[file] === fingerprint(file),
    keep: (files) => {
      for (const file of files) {
        const print = fingerprint(file)
        if (print !== undefined) known[file] = print
      }
      mkdirSync(dirname(stamps), { recursive: true })
      writeFileSync(stamps, JSON.stringify(known))
    },
  }
}

/** All that are no builds; undefined outside of a git checkout. */
function filesOf(home: string): readonly string[] | undefined {
  try {
    const listed = execFileSync('git', ['ls-files', '-coz', '--exclude-standard'], {
      cwd: home,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
      maxBuffer: 1 << 26,
    })
    return listed.split('\0').filter((file) => file !== '' && existsSync(join(home, file)))
  } catch {
    return undefined
  }
}

/** Of these files and the runtime. */
function hashOf(home: string, files: readonly string[]): string {
  const hash = createHash('sha256').update(process.version)
  for (const file of files) hash.update(`\0${file}\0`).update(readFileSync(join(home, file)))
  return hash.digest('hex')
}
