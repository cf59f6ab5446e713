// What the kernel keeps of datagrams while central is busy. It gives as much as net.core.rmem_max allows, and says
// nothing when that is less.

import { readFileSync } from 'node:fs'

/** What central asks for. */
export const receiveBytes = 8 * 1024 ** 2

export interface ReceiveBuffer {
  readonly wantedBytes: number
  /** net.core.rmem_max; 0 when it cannot be read. */
  readonly allowedBytes: number
}

/** What central asks for and what this host allows, in octets (socket(7): SO_RCVBUF). */
export function receiveBuffer(root = '/proc/sys'): ReceiveBuffer {
  return { wantedBytes: receiveBytes, allowedBytes: allowed(`${root}/net/core/rmem_max`) }
}

/** What to do about it; '' when the host gives enough. */
export function receiveRemedy({ wantedBytes, allowedBytes }: ReceiveBuffer): string {
  return allowedBytes >= wantedBytes ? '' : `sysctl -w net.core.rmem_max=${wantedBytes}`
}

function allowed(file: string): number {
  try {
    return Number(readFileSync(file, 'utf8').trim())
  } catch {
    return 0
  }
}
