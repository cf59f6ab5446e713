import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { findProcesses, findRunning, tellRunning } from './running.ts'

const notice = { url: 'http://127.0.0.1:8181', ports: [8181] }

function withFolder(use: (folder: string) => void): void {
  const folder = mkdtempSync(join(tmpdir(), 'weir-running-'))
  try {
    use(folder)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

test('a central that runs is found until it takes its file back', () => {
  withFolder((folder) => {
    const inner = join(folder, 'weir')
    const takeBack = tellRunning([inner], 'central', notice)
    const found = findRunning(['/nowhere', inner])
    assert.deepEqual(
      found.map(({ url, pid }) => ({ url, pid })),
      [{ url: 'http://127.0.0.1:8181', pid: process.pid }],
    )
    assert.equal(statSync(join(inner, `central-${process.pid}.json`)).mode & 0o777, 0o644)
    takeBack()
    assert.deepEqual(findRunning([inner]), [])
    assert.deepEqual(readdirSync(inner), [])
  })
})

test('a file whose process is gone, or whose pid is used again, is no answer and is cleaned up', () => {
  withFolder((folder) => {
    const stale = { ...notice, pid: process.pid, start: '1' }
    writeFileSync(join(folder, 'central-1.json'), JSON.stringify(stale))
    writeFileSync(join(folder, 'central-2.json'), JSON.stringify({ ...stale, pid: 2 ** 22 + 1 }))
    writeFileSync(join(folder, 'central-3.json'), '{"url":')
    writeFileSync(join(folder, 'other.json'), '{}')
    assert.deepEqual(findRunning([folder]), [])
    tellRunning([folder], 'central', notice)
    assert.deepEqual(readdirSync(folder).sort(), [`central-${process.pid}.json`, 'other.json'])
  })
})

test('a folder that cannot be written is no error', () => {
  tellRunning(['/proc/self/weir'], 'central', notice)()
  tellRunning([], 'central', notice)()
  assert.deepEqual(findRunning([]), [])
})

test('an agent that runs is no central, and says where its central is', () => {
  withFolder((folder) => {
    const upstream = { host: 'central.example', port: 50_051 }
    const takeBack = tellRunning([folder], 'agent', { ports: [9090], upstream })
    assert.deepEqual(findRunning([folder]), [])
    assert.deepEqual(
      findProcesses([folder]).map(({ ports, upstream: found }) => ({ ports, upstream: found })),
      [{ ports: [9090], upstream }],
    )
    takeBack()
    assert.deepEqual(findProcesses([folder]), [])
  })
})

test('a file with a port that is none is no answer', () => {
  withFolder((folder) => {
    const takeBack = tellRunning([folder], 'agent', { ports: [70_000] })
    assert.deepEqual(findProcesses([folder]), [])
    takeBack()
  })
})

test('an agent says which interfaces it watches; a file that says it wrongly is no answer', () => {
  withFolder((folder) => {
    const interfaces = [{ probe: 'flow', name: 'eth0', hook: 'tcx', refused: '' }]
    const takeBack = tellRunning([folder], 'agent', { ports: [], interfaces })
    assert.deepEqual(
      findProcesses([folder]).map((found) => found.interfaces),
      [interfaces],
    )
    const file = join(folder, `agent-${process.pid}.json`)
    writeFileSync(file, readFileSync(file, 'utf8').replace('"eth0"', '{}'))
    assert.deepEqual(findProcesses([folder]), [])
    takeBack()
  })
})
