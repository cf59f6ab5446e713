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
  /** What it says of itself now. */
  readonly notice: () => RunningNotice
}

export interface Protector extends Component {
  /** Says what there is now, if it is something else than before; so it does once a minute. */
  say(): void
}

/** Starts before the agent: its first connection must pass. */
export function createProtector(
  { runtimeFolders }: Pick<Terminal, 'runtimeFolders'>,
  { root, notice }: ProtectorConfig,
  reporter: Reporter,
): Protector {
  let timer: NodeJS.Timeout | undefined
  let takeBack = (): void => {}
  let said = ''

  function say(): void {
    const now = notice()
    if (JSON.stringify(now) === said) return
    said = JSON.stringify(now)
    takeBack = tellRunning(runtimeFolders, 'agent', now)
  }

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
    say,
    start: async () => {
      say()
      await look()
      timer = setInterval(() => {
        say()
        void look()
      }, everyMs).unref()
    },
    stop: () => {
      clearInterval(timer)
      takeBack()
    },
  }
}
