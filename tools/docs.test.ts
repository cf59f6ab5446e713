// What people read is true as far as a program can see: links lead somewhere, commands are ones that the parser
// takes, addresses of the API have these parameters, paths of the table of proofs exist, and no page is hidden.

import assert from 'node:assert/strict'
import { existsSync, globSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { commands } from '../cli/commands/commands.ts'
import { commandOf, valuesOf } from '../cli/parse/arguments.ts'

const home = fileURLToPath(new URL('..', import.meta.url))
const pages = globSync('**/*.md', {
  cwd: home,
  exclude: (path) => /(?:^|\/)(?:node_modules|build|\.git)$/.test(path),
}).sort()
const textOf = (path: string): string => readFileSync(join(home, path), 'utf8')

/** Pages whose commands and addresses a reader types. */
const typed = pages.filter((path) => /^(?:README\.md|docs\/how-to\/|deploy\/)/.test(path))

test('every link of every page leads to a file and to a heading of it', () => {
  const wrong = pages.flatMap((page) =>
    [...textOf(page).matchAll(/\]\(([^)\s]+)\)/g)].flatMap(([, link = '']) => {
      if (/^[a-z]+:/.test(link)) return []
      const [path = '', anchor] = link.split('#')
      const target = path === '' ? page : join(dirname(page), path)
      if (!existsSync(join(home, target))) return [`${page}: ${link}`]
      return anchor === undefined || anchors(target).has(anchor) ? [] : [`${page}: ${link}`]
    }),
  )
  assert.deepEqual(wrong, [])
})

test('every page of docs/ can be found from docs/README.md', () => {
  const index = textOf('docs/README.md')
  const hidden = pages
    .filter((path) => path.startsWith('docs/') && path !== 'docs/README.md')
    .filter((path) => !index.includes(`](${path.slice('docs/'.length)})`))
  assert.deepEqual(hidden, [])
})

test('every command of README.md, the guides and deploy/ is one that the parser takes', () => {
  let count = 0
  for (const page of typed) {
    for (const line of commandsIn(textOf(page))) {
      const { entry, rest } = commandOf(wordsOf(line), commands)
      // Its name alone is the name of a command, or of several.
      if (rest.length > 0) {
        assert.ok(!('commands' in entry), `${page}: ${line}`)
        assert.doesNotThrow(() => valuesOf(entry, rest, {}), `${page}: ${line}`)
      }
      count += 1
    }
  }
  assert.ok(count > 40, `${count} commands`)
})

test('every address of the API in README.md and the guides has parameters that the route takes', () => {
  const { paths } = JSON.parse(textOf('docs/reference/openapi.json')) as OpenApi
  let count = 0
  for (const page of typed) {
    for (const [, path = '', query = ''] of textOf(page).matchAll(
      /(\/api\/[\w/-]+)\??([^\s'"`)]*)/g,
    )) {
      const parameters = paths[path]?.get?.parameters?.map(({ name }) => name)
      assert.ok(parameters, `${page}: ${path}`)
      for (const [name] of new URLSearchParams(query)) {
        assert.ok(parameters.includes(name), `${page}: ${path}: ${name}`)
      }
      count += 1
    }
  }
  assert.ok(count > 10, `${count} addresses`)
})

test('every path of the API stands in the table of api.md, and nothing else does', () => {
  const { paths } = JSON.parse(textOf('docs/reference/openapi.json')) as OpenApi
  const table = textOf('docs/reference/api.md').split('## The envelope')[0] ?? ''
  const said = [...table.matchAll(/^\| (`\/[^|]*)\|/gm)].flatMap(([, cell = '']) =>
    [...cell.matchAll(/`([^`]+)`/g)].map(([, path]) => path),
  )
  assert.deepEqual(said.sort(), Object.keys(paths).sort())
})

test('every file that README.md names as a proof exists', () => {
  for (const [, path = ''] of textOf('README.md').matchAll(
    /`((?:test|kernel|central|api)\/[^`*]+)`/g,
  )) {
    assert.ok(existsSync(join(home, path)), path)
  }
})

interface OpenApi {
  readonly paths: Readonly<
    Record<
      string,
      { readonly get?: { readonly parameters?: readonly { readonly name: string }[] } }
    >
  >
}

/** The headings of a page as links name them. */
function anchors(page: string): ReadonlySet<string> {
  const heads = textOf(page).matchAll(/^#+ (.+)$/gm)
  return new Set(
    [...heads].map(([, head = '']) =>
      head
        .toLowerCase()
        .replace(/[^\p{L}\p{N}\s_-]/gu, '')
        .replaceAll(' ', '-'),
    ),
  )
}

/** Command lines of Weir: whole lines of blocks, and what stands between backticks. */
function commandsIn(text: string): readonly string[] {
  const blocks = [...text.matchAll(/^```(?:sh)?\n([\s\S]*?)^```/gm)].flatMap(([, block = '']) =>
    block.split('\n'),
  )
  const inline = [...text.matchAll(/`((?:bin\/)?weir [^`]+)`/g)].map(([, line = '']) => line)
  return [...blocks, ...inline]
    .map((line) => line.replace(/^\$ /, '').replaceAll('\\|', '|'))
    .filter((line) => /^(?:bin\/)?weir (?!help)[a-z]/.test(line))
}

/** The words of a command line behind its program, as a shell would give them. */
function wordsOf(line: string): readonly string[] {
  const words = [...line.matchAll(/'([^']*)'|"([^"]*)"|(#.*)|(\S+)/g)].flatMap(
    ([, single, double, comment, bare]) => {
      if (comment !== undefined) return []
      return [single ?? double ?? (bare === 'PID' ? '1' : (bare as string))]
    },
  )
  return words.slice(1)
}
