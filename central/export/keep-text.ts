// Small files that are there whole, or as they were before.

import { open, rename } from 'node:fs/promises'
import { dirname } from 'node:path'

/** On the disk when it resolves, the name too. */
export async function keepText(path: string, text: string, mode = 0o600): Promise<void> {
  const handle = await open(`${path}.tmp`, 'w', mode)
  try {
    await handle.writeFile(text)
    await handle.sync()
  } finally {
    await handle.close()
  }
  await rename(`${path}.tmp`, path)
  await syncPath(dirname(path))
}

/** Of a file or a folder. */
export async function syncPath(path: string): Promise<void> {
  const handle = await open(path)
  await handle.sync().finally(() => handle.close())
}
