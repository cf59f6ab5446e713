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
    for (const { agent, sequence } of frames) {
      const known = sequences.get(agent)
      if (known) known.add(sequence)
      else sequences.set(agent, new Set([sequence]))
    }
  }

  function forget(frames: readonly FrameId[]): void {
    for (const { agent, sequence } of frames) {
      const known = sequences.get(agent)
      known?.delete(sequence)
      if (known?.size === 0) sequences.delete(agent)
    }
  }

  function size(): number {
    let sum = 0
    for (const known of sequences.values()) sum += known.size
    return sum
  }

  const has = ({ agent, sequence }: FrameId) => sequences.get(agent)?.has(sequence) === true
  return { has, add, forget, size }
}
