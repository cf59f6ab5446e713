// Reasons for which the kernel drops a packet, in plain words: what it is called, what it means, and what to do next, a
// question to Weir first, a command second, a change third. The key is the kernel's name (enum skb_drop_reason).

import type { DropReason } from './drop-reason.ts'
import { networkReasons } from './drop-reasons-network.ts'
import { socketReasons } from './drop-reasons-socket.ts'

/** The commonest reasons, by the kernel's name. */
export const dropReasons: Readonly<Record<string, DropReason>> = {
  ...socketReasons,
  ...networkReasons,
}
