// A copy of the source tree to follow a recipe in. Edits are data: a file, where in it, and what comes there.

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'

const home = fileURLToPath(new URL('../..', import.meta.url))

/** What a person writes who follows a recipe of CONTRIBUTING. */
export interface Recipe {
  /** Files that did not exist, by their path. */
  readonly made: Readonly<Record<string, string>>
  /** In each file: the text behind `before` stays, `text` comes in front of it. */
  readonly edits: readonly Edit[]
}

export interface Edit {
  readonly file: string
  /** Stands once in the file. */
  readonly before: string
  readonly text: string
  /** `before` itself goes. */
  readonly replace?: true
}

export interface Tree {
  read(file: string): string
  follow(recipe: Recipe): void
  /** Runs Node in the tree; fails with what it printed. Gives what it printed on standard output. */
  node(args: readonly string[], env?: Readonly<Record<string, string>>): string
}

export interface TreeMaker {
  /** A new copy. */
  open(name: string): Tree
  /** Takes away all of them. */
  remove(): void
}

/** Copies of the tree without what is built or installed; `node_modules` is ours. `prepare` runs once, in what is copied. */
export function createTreeMaker(prepare: (tree: Tree) => void): TreeMaker {
  const folder = mkdtempSync(join(tmpdir(), 'weir-recipe-'))
  const first = join(folder, 'first')
  const remove = () => rmSync(folder, { recursive: true, force: true })
  try {
    cpSync(home, first, { recursive: true, filter: (path) => isSource(relative(home, path)) })
    symlinkSync(join(home, 'node_modules'), join(first, 'node_modules'))
    prepare(createTree(first))
  } catch (error) {
    remove()
    throw error
  }
  return {
    open: (name) => {
      const root = join(folder, name)
      cpSync(first, root, { recursive: true, preserveTimestamps: true, verbatimSymlinks: true })
      return createTree(root)
    },
    remove,
  }
}

function isSource(path: string): boolean {
  return !/^(?:node_modules|\.git|build|web\/dist)(?:\/|$)|\.tsbuildinfo$/.test(path)
}

function createTree(root: string): Tree {
  const read = (file: string) => readFileSync(join(root, file), 'utf8')

  function follow({ made, edits }: Recipe): void {
    for (const [file, text] of Object.entries(made)) {
      mkdirSync(dirname(join(root, file)), { recursive: true })
      writeFileSync(join(root, file), text, { flag: 'wx' })
    }
    for (const { file, before, text, replace } of edits) {
      const parts = read(file).split(before)
      assert.equal(parts.length, 2, `${before} stands ${parts.length - 1} times in ${file}`)
      writeFileSync(join(root, file), parts.join(replace ? text : `${text}${before}`))
    }
  }

  function node(args: readonly string[], env: Readonly<Record<string, string>> = {}): string {
    const { status, stdout, stderr } = spawnSync(process.execPath, args, {
      cwd: root,
      encoding: 'utf8',
      // Compiled code is found by path: that of a copy is of no use to anybody else.
      env: { ...process.env, NODE_COMPILE_CACHE: join(root, 'build/compiled'), ...env },
      timeout: 120_000,
    })
    assert.equal(status, 0, `node ${args.join(' ')}:\n${stdout.slice(-4000)}${stderr.slice(-2000)}`)
    return stdout
  }

  return { read, follow, node }
}
