// The pinned program of an interface, open for one command.

import type { Values } from './command.ts'
import { openKernel, targetOf } from './xdp-shared.ts'

type Kernel = Awaited<ReturnType<typeof openKernel>>
type Pinned = ReturnType<Kernel['openPinned']>
type Target = ReturnType<typeof targetOf>

/** Reads; throws `xdp_not_attached`. */
export async function withRules<T>(
  values: Values,
  work: (pinned: Pinned, target: Target) => T,
): Promise<T> {
  const kernel = await openKernel()
  const target = targetOf(values)
  const pinned = kernel.openPinned(kernel.placeOf(target))
  try {
    return work(pinned, target)
  } finally {
    pinned.close()
  }
}

/** Changes: no other command does meanwhile. Throws `xdp_busy` too. */
export async function withChange<T>(
  values: Values,
  work: (pinned: Pinned, target: Target) => T,
): Promise<T> {
  const kernel = await openKernel()
  const target = targetOf(values)
  const place = kernel.placeOf(target)
  return kernel.withLock(place, () => {
    const pinned = kernel.openPinned(place)
    try {
      return work(pinned, target)
    } finally {
      pinned.close()
    }
  })
}
