// The dashboards as Grafana's own schema has them: the types that Grafana generates from it (a Go module, built by
// tools/ready.mjs) take them, strictly.

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync, globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'

const home = fileURLToPath(new URL('../../', import.meta.url))
const program = join(home, 'build', 'grafana')
const skip = !existsSync(program) && 'the reader is not built: npm run setup (needs Go)'
const boards = globSync(join(home, 'deploy', 'grafana', 'dashboards', '*.json'))

const read = (...files: string[]) => spawnSync(program, files, { encoding: 'utf8' })

test("every dashboard is one by Grafana's schema", { skip }, () => {
  assert.ok(boards.length >= 4)
  const { status, stdout } = read(...boards)
  assert.equal(status, 0, stdout)
})

test('a dashboard with a field that Grafana does not have is refused', { skip }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'weir-grafana-'))
  try {
    const board = JSON.parse(readFileSync(String(boards[0]), 'utf8'))
    board.panels[0].gridPosition = board.panels[0].gridPos
    const file = join(folder, 'broken.json')
    writeFileSync(file, JSON.stringify(board))
    const { status, stdout } = read(file)
    assert.equal(status, 1)
    assert.match(stdout, /gridPosition/)
  } finally {
    rmSync(folder, { recursive: true })
  }
})
