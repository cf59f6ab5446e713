// Which frames are on disk already, so that a frame sent again (its ACK was lost) is acknowledged, not stored
// twice. As long as a sidecar is kept, its frames are remembered: longer than an agent's spool holds them.

import type { FrameId } from './frame-intake.ts'

export interface FrameMemory {
  has(frame: FrameId): boolean
  add(frames: readonly FrameId[]): void
  forget(frames: readonly FrameId[]): void
  size(): number
}

export function createFrameMemory(): FrameMemory {
  const sequences = new Map<string, Set<number>>()

  function add(frames: readonly FrameId[]): void {
    for (const frame of frames) {
      const sender = senderOf(frame)
      const known = sequences.get(sender)
      if (known) known.add(frame.sequence)
      else sequences.set(sender, new Set([frame.sequence]))
    }
  }

  function forget(frames: readonly FrameId[]): void {
    for (const frame of frames) {
      const sender = senderOf(frame)
      const known = sequences.get(sender)
      known?.delete(frame.sequence)
      if (known?.size === 0) sequences.delete(sender)
    }
  }

  function size(): number {
    let sum = 0
    for (const known of sequences.values()) sum += known.size
    return sum
  }

  /** Sidecars of older versions do not say under which boot a frame was made. */
  const has = ({ agent, boot, sequence }: FrameId) =>
    [
      { agent, sequence },
      { agent, sequence, ...(boot ? { boot } : {}) },
    ].some((frame) => sequences.get(senderOf(frame))?.has(sequence) === true)
  return { has, add, forget, size }
}

function senderOf({ agent, boot = '' }: FrameId): string {
  return `${agent}/${boot}`
}
