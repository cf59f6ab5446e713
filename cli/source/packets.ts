// Packets of an interface for a command that looks on: by the program that is pinned there, else by one that goes with
// the command, however it ends.

import { setTimeout as pause } from 'node:timers/promises'
import type { xdp } from '../../agent/mod.ts'
import { note, type Terminal, type Values } from '../commands/command.ts'
import { openKernel, targetOf } from '../commands/xdp-shared.ts'
import { endAfter } from './local.ts'

export interface Looking {
  readonly kernel: typeof xdp
  readonly interface: string
  readonly maps: xdp.XdpMaps
  /** Ctrl-C, the end of the time, or of the program. */
  readonly ended: AbortSignal
  /** Nothing is left that was not there before. */
  stop(): Promise<void>
}

/** For `forMs`, else until Ctrl-C. Throws what attaching throws. */
export async function lookAt(
  values: Values,
  terminal: Terminal,
  forMs = values.durationMs('for'),
): Promise<Looking> {
  const kernel = await openKernel()
  const target = targetOf(values)
  const name = target.interface
  const endOf = () => (forMs === undefined ? terminal.interrupted() : endAfter(terminal, forMs))
  const endWith = (isThere: () => Promise<boolean>) =>
    endWithProgram(endOf(), isThere, () => note(terminal, `the program is no longer on ${name}`))
  const place = kernel.placeOf(target)
  const pinned = kernel.findPinned(place)
  if (pinned && pinned.ifindex !== 0) {
    const ended = endWith(async () => isPinned(kernel, place, pinned.link.programId))
    return { kernel, interface: name, maps: pinned.maps, ended, stop: async () => pinned.close() }
  }
  pinned?.close()
  const { mode, programId, maps, isOwn, isThere, stop } = await kernel.watchXdp(target, 'auto')
  const what = `${name}: program ${programId}, ${mode} mode`
  note(terminal, isOwn ? `attached to ${what}, until this command ends` : `reading ${what}`)
  return { kernel, interface: name, maps, ended: endWith(isThere), stop }
}

type Place = ReturnType<typeof xdp.placeOf>

function isPinned(kernel: typeof xdp, place: Place, programId: number): boolean {
  const pinned = kernel.findPinned(place)
  pinned?.close()
  return pinned !== undefined && pinned.ifindex !== 0 && pinned.link.programId === programId
}

const lookMs = 1000

/** Others may take the program off: without it no packet would come, and nothing would say so. */
function endWithProgram(
  ended: AbortSignal,
  isThere: () => Promise<boolean>,
  onGone: () => void,
): AbortSignal {
  const gone = new AbortController()
  const both = AbortSignal.any([ended, gone.signal])
  const look = async () => {
    while (!both.aborted) {
      await pause(lookMs, undefined, { signal: both }).catch(() => {})
      if (both.aborted || (await isThere().catch(() => false))) continue
      onGone()
      gone.abort()
    }
  }
  void look()
  return both
}

const calmMs = 20
const drainMax = 4096

/**
 * Prints a line for each packet until `ended` or `countMax`; returns how many. A reader of the output that is slow makes
 * the ring full: what is lost then is said at the end.
 */
export async function printPackets(
  terminal: Terminal,
  reader: xdp.XdpReader,
  options: {
    readonly line: (event: xdp.XdpEvent) => string
    readonly ended: AbortSignal
    readonly countMax?: number
  },
): Promise<number> {
  const { line, ended, countMax = Number.POSITIVE_INFINITY } = options
  let printed = 0
  for (;;) {
    const last = ended.aborted
    const lines: string[] = []
    const most = Math.min(drainMax, countMax - printed)
    const read = reader.drain((event) => lines.push(line(event)), most)
    printed += read
    if (lines.length > 0) await write(terminal, `${lines.join('\n')}\n`, ended)
    if (printed >= countMax || (last && read < drainMax)) break
    if (read < drainMax && !last) await pause(calmMs, undefined, { signal: ended }).catch(() => {})
  }
  const { lost, sampled } = reader.counts()
  if (lost > 0) note(terminal, `${lost} packets were lost: this command was too slow for them`)
  if (sampled > 0) note(terminal, `${sampled} packets were left out by --sample`)
  return printed
}

/** Waits for a slow reader of the output, but not beyond the end. */
async function write(terminal: Terminal, text: string, ended: AbortSignal): Promise<void> {
  if (terminal.out.write(text) || ended.aborted) return
  await new Promise<void>((resolve) => {
    terminal.out.once('drain', resolve)
    ended.addEventListener('abort', () => resolve(), { once: true })
  })
}
