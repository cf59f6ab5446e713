// The kernel gives up verifying a program when a signal comes to the thread (EAGAIN). A profiler sends more of them than
// fit into the time that this takes, so trying again is not enough: they wait meanwhile.

import { openLibc } from './library.ts'

/** sigset_t of glibc and musl. */
const setBytes = 128
const everySignal = Buffer.alloc(setBytes, 0xff)
/** <signal.h>; the C libraries leave out what they need themselves. */
const block = 0
const restore = 2

/** Runs `work`, which must be synchronous; signals to this thread that can wait are delivered afterwards. */
export function withoutSignals<T>(work: () => T): T {
  const { threadSignalMask } = openLibc()
  const before = Buffer.alloc(setBytes)
  const blocked = threadSignalMask(block, everySignal, before) === 0
  try {
    return work()
  } finally {
    if (blocked) threadSignalMask(restore, before, null)
  }
}
