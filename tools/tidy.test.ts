// The house rules that types and linter cannot see. Each test names the rule, the file and what to do.
// Their tables stand in house-rules.ts.

import assert from 'node:assert/strict'
import { globSync, readdirSync, readFileSync } from 'node:fs'
import { basename, dirname, join, relative, resolve } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { ledgerCauses } from '../wire/mod.ts'
import { edges, environment, packages } from './house-rules.ts'

const home = fileURLToPath(new URL('..', import.meta.url)).replace(/\/$/, '')
const paths = globSync('**/*.{ts,tsx,mjs,md,c,h,json,html,css}', {
  cwd: home,
  exclude: (path) => /(?:^|\/)(?:node_modules|dist|\.git|testdata)$|^build$/.test(path),
}).sort()
const texts = new Map(paths.map((path) => [path, readFileSync(join(home, path), 'utf8')]))
const textOf = (path: string): string => texts.get(path) ?? ''
const sources = paths.filter((path) => /\.tsx?$/.test(path))
const isTest = (path: string): boolean =>
  /\.(?:test|fake)\.ts$/.test(path) || /^(?:test|bench)\//.test(path)

const folderOf = (path: string): string =>
  /^(?:api\/contract|common\/(?:number|time))\//.test(path)
    ? dirname(path)
    : (path.split('/')[0] as string)

interface Import {
  readonly from: string
  readonly target: string
  readonly loose: boolean
}

const imports: readonly Import[] = sources.flatMap((from) => {
  const found = textOf(from).matchAll(
    /^(?:import|export)\s(type\s)?(?:[^'"`;]*?\sfrom\s)?['"]([^'"]+)['"]|\b(import)\(\s*['"]([^'"]+)['"]/gm,
  )
  return [...found].map((match) => ({
    from,
    target: (match[2] ?? match[4]) as string,
    loose: match[1] !== undefined || match[3] !== undefined,
  }))
})

const none = (found: readonly string[], rule: string): void =>
  assert.equal(found.length, 0, `${rule}:\n  ${found.join('\n  ')}`)

test('folders import each other through mod.ts, along the river', () => {
  const wrong = imports.flatMap(({ from, target, loose }) => {
    if (!target.startsWith('.')) return []
    const path = relative(home, resolve(home, dirname(from), target))
    const [mine, theirs] = [folderOf(from), folderOf(path)]
    if (mine === theirs || (mine === 'common' && theirs.startsWith('common/'))) return []
    const allowed = edges[mine] ?? []
    const free = /^(?:test|bench|tools)$/.test(mine) || from.endsWith('.test.ts')
    const edge = allowed.includes(theirs) || (loose && allowed.includes(`${theirs}?`)) || free
    const isFakes = from.endsWith('.fake.ts') && path.endsWith('.fake.ts')
    const face = basename(path) === 'mod.ts' || isFakes || free
    return edge && face ? [] : [`${from} imports ${target}`]
  })
  none(wrong, 'an import that the table of edges does not allow, or that goes past a mod.ts')
})

test('npm packages are used where their list says', () => {
  const wrong = imports.flatMap(({ from, target }) => {
    if (/^(?:\.|node:|data:)/.test(target)) return []
    const name = target
      .split('/')
      .slice(0, target.startsWith('@') ? 2 : 1)
      .join('/')
    if (isTest(from) && (name === 'fast-check' || Object.values(packages).flat().includes(name)))
      return []
    return (packages[folderOf(from)] ?? []).includes(name) ? [] : [`${from} imports ${name}`]
  })
  none(wrong, 'a package outside its folder')
})

test('the environment is read by entries alone', () => {
  const wrong = sources.filter(
    (path) => !isTest(path) && !environment.test(path) && textOf(path).includes('process.env'),
  )
  none(
    wrong.filter((path) => !/^(?:tools|bench)\//.test(path)),
    'process.env outside an entry',
  )
})

test('files stay below 400 lines', () => {
  const long = sources.filter((path) => textOf(path).split('\n').length > 401)
  none(long, 'a file above 400 lines')
})

test('functions stay below 70 lines', () => {
  const wrong = sources
    .filter((path) => !isTest(path))
    .flatMap((path) =>
      functionsOf(textOf(path))
        .filter(({ length }) => length > 70)
        .map(({ line, length }) => `${path}:${line + 1} has ${length} lines`),
    )
  none(wrong, 'a function above 70 lines')
})

test('every top folder says its stage', () => {
  const wrong = Object.keys(edges).filter((folder) => {
    if (folder.includes('/') || !sources.some((path) => path.startsWith(`${folder}/`))) return false
    return !/^# .+\n\n(?:Stage \d|Beside the river)/.test(textOf(`${folder}/README.md`))
  })
  none(
    wrong,
    'README.md starts "# name: …", a blank line, "Stage n: reads …" (or "Beside the river: …")',
  )
})

/** The cells of the first Markdown table of a text whose first head is `head`. */
function tableOf(text: string, head: string): readonly (readonly string[])[] {
  const lines = text.split('\n')
  const begin = lines.findIndex((line) => new RegExp(`^\\| ${head} +\\|`).test(line)) + 2
  const end = lines.findIndex((line, index) => index >= begin && !line.startsWith('|'))
  return lines.slice(begin, end).map((line) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  )
}

test('the table of folders in ARCHITECTURE.md is the tree and its edges', () => {
  const rows = tableOf(textOf('ARCHITECTURE.md'), 'folder')
  const folders = new Set(
    sources.filter((path) => path.includes('/')).map((path) => path.split('/')[0] as string),
  )
  assert.deepEqual(rows.map(([name = '']) => name).sort(), [...folders].map(quoted).sort())
  for (const [name = '', , , imports = ''] of rows) {
    const all = edges[name.slice(1, -2)] ?? []
    const parts = ['api/contract/pages', ...(all.includes('common') ? ['common/number'] : [])]
    const named = all.filter((edge) => !parts.includes(edge))
    const said = named.map((edge) => edge.replace('?', ''))
    const isFree = /^`(?:test|bench|tools)\/`$/.test(name)
    assert.equal(imports, isFree ? 'everything' : said.join(', ') || 'nothing', name)
  }
})

test('the page is built again when anything that it is made of has changed', () => {
  const named = textOf('tools/ready.mjs')
  for (const edge of edges['web'] ?? []) {
    const folder = edge.replace('?', '').replace(/\/pages$/, '')
    assert.ok(named.includes(`join('${folder.replace('/', "', '")}')`), folder)
  }
})

test('the table of losses in ARCHITECTURE.md is wire/model/causes.ts', () => {
  const rows = tableOf(textOf('ARCHITECTURE.md'), 'stage')
  const said = rows.flatMap(([stages = '', , counted = '']) => {
    const parts = [...counted.matchAll(/(lost|filtered|left)((?: `\w+`,?)+)/g)]
    return stages.split(', ').flatMap((stage) =>
      parts.flatMap(([, as, words = '']) => {
        return [...words.matchAll(/\w+/g)].map(([cause]) => `${stage} ${as} ${cause}`)
      }),
    )
  })
  const known = Object.entries(ledgerCauses).flatMap(([stage, causes]) =>
    Object.entries<{ as: string }>(causes).map(([cause, { as }]) => `${stage} ${as} ${cause}`),
  )
  assert.deepEqual(said.sort(), known.sort())
})

test('the table of folders in each README.md is the folder', () => {
  const readmes = paths.filter((path) => basename(path) === 'README.md')
  for (const path of readmes) {
    const rows = tableOf(textOf(path), 'folder')
    if (rows.length === 0) continue
    const said = rows.map(([name = '']) => name).filter((name) => name.endsWith('/`'))
    const there = readdirSync(join(home, dirname(path)), { withFileTypes: true }).filter(
      (entry) => entry.isDirectory() && !/^(?:dist|testdata|node_modules)$/.test(entry.name),
    )
    assert.deepEqual(said.sort(), there.map(({ name }) => quoted(name)).sort(), path)
  }
})

function quoted(folder: string): string {
  return `\`${folder}/\``
}

test('every function, constant and class of a mod.ts has a docstring', () => {
  const wrong = sources
    .filter((path) => basename(path) === 'mod.ts')
    .flatMap((path) => {
      const lists = textOf(path).matchAll(/^export (?:type )?\{([^}]*)\} from '([^']+)'/gm)
      return [...lists].flatMap(([, names = '', from = '']) => {
        const file = relative(home, resolve(home, dirname(path), from))
        return names
          .split(',')
          .map(
            (name) =>
              name
                .trim()
                .replace(/^type /, '')
                .split(' as ')[0] as string,
          )
          .filter((name) => name !== '' && texts.has(file) && !isDocumented(textOf(file), name))
          .map((name) => `${file}: ${name}`)
      })
    })
  none(wrong, 'an export without a docstring')
})

test('no unfinished notes, and no path of the machine that it was written on', () => {
  const parent = dirname(home)
  const usual = ['/', '/tmp', '/home', '/root', '/opt', '/srv', '/usr/src', '/var/tmp']
  const wrong = paths.filter((path) => {
    if (/^(?:package-lock\.json|tools\/tidy\.test\.ts)$/.test(path)) return false
    const text = textOf(path)
    return (
      /\b(?:TODO|FIXME|XXX)\b/.test(text) ||
      (!usual.includes(parent) && text.includes(`${parent}/`))
    )
  })
  none(wrong, 'a note to do later, or a path of this checkout')
})

test('no file is dead', () => {
  const entry = /(?:\.test|\/main|\.config)\.tsx?$|^tools\/|^bench\/|^test\/|\.d\.ts$/
  const named = [...texts.values()].join('\n')
  const reached = new Set(
    imports.map(({ from, target }) => relative(home, resolve(home, dirname(from), target))),
  )
  const dead = sources.filter((path) => {
    if (entry.test(path) || reached.has(path)) return false
    return !named.includes(`/${basename(path)}'`)
  })
  none(dead, 'a file that nothing imports')
})

interface FunctionSpan {
  readonly line: number
  readonly length: number
}

/**
 * By indentation, which the formatter guarantees: a body ends at the first brace as deep as its head. Lines
 * of functions inside count for those alone.
 */
function functionsOf(text: string): readonly FunctionSpan[] {
  const lines = text.split('\n')
  const spans = lines.flatMap((head, from) => {
    if (!/(?:\bfunction\b.*|=>|^\s*(?:async )?\w+\(.*\).*|^\s*\).*) \{$/.test(head)) return []
    if (/^\s*(?:\} )?(?:if|for|while|switch|else|catch)\b/.test(head)) return []
    const indent = (head.match(/^\s*/) as RegExpMatchArray)[0]
    return [
      { from, to: lines.findIndex((other, at) => at > from && other.startsWith(`${indent}}`)) },
    ]
  })
  return spans.map(({ from, to }) => {
    const inner = spans.filter((span) => span.from > from && span.to <= to)
    const own = lines.slice(from, to + 1).filter((_, index) => {
      const at = from + index
      return !inner.some((span) => span.from <= at && at <= span.to)
    })
    return { line: from, length: own.length }
  })
}

function isDocumented(text: string, name: string): boolean {
  const declaration = new RegExp(`^export (?:async )?(?:function\\*?|const|class) ${name}\\b`, 'm')
  const at = text.search(declaration)
  // Exported further on (a list, another file): that file answers for it. Schemas describe themselves.
  if (at < 0 || /^.*= (?:Static<|Type\.|$)/.test(text.slice(at, at + 200).split('\n')[0] ?? ''))
    return true
  return text.slice(0, at).trimEnd().endsWith('*/')
}
