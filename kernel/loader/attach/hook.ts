// The one shape of every hook: is it here, what is attached already, attach. One file per kind stands beside this.

import { constants } from 'node:os'
import type { AppError } from '../../../common/mod.ts'
import { fail } from '../errors.ts'
import { type Capability, missingCapabilities } from '../host.ts'
import { errorText } from '../library.ts'

/** A program of an object that is loaded and open. */
export interface Program {
  /** As the source has it. The kernel and `bpftool` know its first 15 characters. */
  readonly name: string
  /** As `bpftool prog` shows it. */
  readonly id: number
  readonly fd: number
}

/**
 * Whether a hook can be used here. It is tried out, never taken from the kernel's version. `missing`: the kernel
 * does not have it. `refused`: this process may not. `unknown`: it cannot be tried here. The error says the
 * missing piece and what can be used instead.
 */
export type Feature =
  | { readonly state: 'available' }
  | MissingFeature
  | { readonly state: 'refused' | 'unknown'; readonly error: AppError }

export interface MissingFeature {
  readonly state: 'missing'
  readonly error: AppError
}

export const available: Feature = { state: 'available' }

/**
 * Whose program it is. `this`: this process holds it. `weir`: its name begins with `weir_`, so another process of
 * Weir holds it or left it behind. `other`: neither, so it is never detached and never replaced.
 */
export type Owner = 'this' | 'weir' | 'other'

export interface AttachedProgram {
  /** 0 if the kernel does not say. */
  readonly programId: number
  /** The program's name, or what else names it; empty if the kernel does not say. */
  readonly name: string
  readonly owner: Owner
  /** 0 if no link holds it, or the kernel does not say. */
  readonly linkId: number
  /** What else is known, for messages: `native`, `priority 1 handle 0x1`. */
  readonly details: string
}

export interface Attachment {
  readonly programId: number
  /** As `bpftool link` shows it; 0 if this hook has no links. */
  readonly linkId: number
  /** Ends it, pinned or not. The second time does nothing. */
  detach(): void
  /** What happens when the object is closed: ends it unless it is pinned. */
  release(): void
}

/** `Place` says where: a tracepoint, an interface and a direction, a cgroup. */
export interface Hook<Place, A extends Attachment = Attachment> {
  /** For messages. */
  readonly name: string
  /** Changes nothing on any interface of the host. */
  feature(place: Place): Feature
  /** In the order of their turn, where the hook has one. */
  attached(place: Place): readonly AttachedProgram[]
  /** Throws `attach_refused`, `hook_occupied`, `not_permitted`, `unsupported_feature`, and what the place may throw. */
  attach(program: Program, place: Place): A
}

/** Names of programs at hooks that others use too begin with it: the kernel keeps 15 characters. */
export const namePrefix = 'weir_'

const { EACCES, EPERM } = constants.errno

/** The error for a kernel that would not attach: names the missing capabilities if there are any. */
export function attachRefused(
  what: string,
  errno: number,
  needed: readonly Capability[],
  said = '',
): AppError {
  const missing = missingCapabilities(needed)
  if ((errno === EPERM || errno === EACCES) && missing.length > 0) {
    const details = { what: `attaching ${what}`, missing: missing.join(', ') }
    return fail('not_permitted', { details })
  }
  const reason = said === '' ? errorText(errno) : `${said} (${errorText(errno)})`
  return fail('attach_refused', { details: { what, reason } })
}

/** What a feature test says of capabilities: undefined if none is missing. */
export function refusedFeature(what: string, needed: readonly Capability[]): Feature | undefined {
  const missing = missingCapabilities(needed)
  if (missing.length === 0) return undefined
  const details = { what: `attaching ${what}`, missing: missing.join(', ') }
  return { state: 'refused', error: fail('not_permitted', { details }) }
}

/** What a feature test says if the kernel does not have it. */
export function missingFeature(what: string, needs: string, instead: string): MissingFeature {
  const error = fail('unsupported_feature', { details: { what, needs, instead } })
  return { state: 'missing', error }
}

/** `program 12 (xdp_balance, native)`. */
export function describeAttached({ programId, name, details }: AttachedProgram): string {
  const about = [name, details].filter((part) => part !== '').join(', ')
  return `program ${programId === 0 ? 'of unknown id' : programId}${about === '' ? '' : ` (${about})`}`
}
