// The running agent says where it is, and keeps Weir's own connections among those that no rule cuts off, at every
// interface of this host that has rules: a central may come to be elsewhere after the rules were loaded.

import { type Component, messageOf, type Reporter } from '../../common/mod.ts'
import { type RunningNotice, tellRunning } from '../source/running.ts'
import type { Terminal } from './command.ts'
import { ownConnections } from './rules-safety.ts'
import { openKernel } from './xdp-shared.ts'

const everyMs = 60_000

export interface ProtectorConfig {
  /** Where programs are pinned. */
  readonly root: string
  readonly notice: RunningNotice
}

/** Starts before the agent: its first connection must pass. */
export function createProtector(
  { runtimeFolders }: Pick<Terminal, 'runtimeFolders'>,
  { root, notice }: ProtectorConfig,
  reporter: Reporter,
): Component {
  let timer: NodeJS.Timeout | undefined
  let takeBack = (): void => {}

  async function look(): Promise<void> {
    try {
      const kernel = await openKernel()
      if (kernel.listPinned(root).length === 0) return
      kernel.protectOwn(root, await ownConnections({ runtimeFolders }, kernel))
    } catch (error) {
      reporter.limited.warn('protect', { err: messageOf(error) }, 'protecting own connections')
    }
  }

  return {
    name: 'protector',
    start: async () => {
      takeBack = tellRunning(runtimeFolders, 'agent', notice)
      await look()
      timer = setInterval(() => void look(), everyMs).unref()
    },
    stop: () => {
      clearInterval(timer)
      takeBack()
    },
  }
}
