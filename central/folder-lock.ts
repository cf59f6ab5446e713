// One central per data folder. The lock is an abstract unix socket named after the folder's inode: the kernel
// frees it when its process dies, however that happens, so there is no stale lock. (Another network namespace
// does not see it; there the engine's own file lock still holds.)

import { open, rm, stat } from 'node:fs/promises'
import { connect, createServer, type Server } from 'node:net'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { type Component, makeFolder, messageOf } from '../common/mod.ts'
import { centralError } from './errors.ts'

/** Makes the folder, checks that it can be written, and keeps others out until stopped. */
export function createFolderLock(folder: string): Component {
  let server: Server | undefined

  async function start(): Promise<void> {
    await checkWritable(folder)
    const { dev, ino } = await stat(folder)
    const name = `\0weir-data-${dev}-${ino}`
    const lock = createServer((socket) => socket.end(String(process.pid)))
    try {
      await new Promise<void>((resolve, reject) => {
        lock.once('error', reject)
        lock.listen(name, () => resolve())
      })
    } catch (cause) {
      const owner = await ownerOf(name)
      throw centralError('data_folder_in_use', { details: { folder, owner }, cause })
    }
    lock.unref()
    server = lock
  }

  async function stop(): Promise<void> {
    const held = server
    server = undefined
    if (held) await new Promise((resolve) => held.close(resolve))
  }

  return { name: 'folder-lock', start, stop }
}

async function checkWritable(folder: string): Promise<void> {
  const probe = join(folder, `.writable-${process.pid}`)
  try {
    makeFolder(folder)
    await (await open(probe, 'w')).close()
    await rm(probe)
  } catch (cause) {
    const reason = messageOf(cause)
    throw centralError('data_folder_unwritable', { details: { folder, reason }, cause })
  }
}

/** ` by process 123`, when it answers. */
async function ownerOf(name: string): Promise<string> {
  const socket = connect(name)
  socket.setTimeout(1_000, () => socket.destroy())
  const pid = await text(socket).catch(() => '')
  return /^\d+$/.test(pid) ? ` by process ${pid}` : ''
}
