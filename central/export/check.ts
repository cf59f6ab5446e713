// Whether exports could be made as they are configured: for the start, and for `weir config check`.

import type { ExportConfig } from './config.ts'
import { plansOf } from './config.ts'
import { exportError } from './errors.ts'
import { receiverKinds } from './kinds.ts'
import type { ReceiverDeps } from './receiver.ts'

const noEngine: ReceiverDeps = {
  writeFile: () => Promise.reject(new Error('nothing is written to check a configuration')),
}

/** Makes every export and starts none. Throws `export_wrong`. */
export function checkExports(exports: readonly ExportConfig[]): void {
  const names = new Set<string>()
  for (const config of exports) {
    const { name, kind } = config
    if (names.has(name)) {
      throw exportError('export_wrong', {
        details: { name, what: 'another one has the same name' },
      })
    }
    names.add(name)
    receiverKinds[kind].create(config, plansOf(config), noEngine)
  }
}
