// THE registry of probes. A new probe is a folder beside this file and one more entry here.

import { AppError, messageOf } from '../../common/mod.ts'
import { fail } from '../loader/errors.ts'
import { dropSpec } from './drop/spec.ts'
import { flowSpec } from './flow/spec.ts'
import type { ProgramState } from './report.ts'
import { socketSpec } from './socket/spec.ts'
import type { OpenProbe, ProbeOptions, ProbeSpec } from './spec.ts'
import { xdpSpec } from './xdp/spec.ts'

/** Every probe, in the order in which they are opened and shown. */
export const probeSpecs: readonly ProbeSpec[] = [socketSpec, dropSpec, flowSpec, xdpSpec]

/** A probe that could not be opened; the others run without it. */
export interface ProbeFailure {
  readonly probe: string
  /** One of loader/errors.ts; `probe_defect` is anything else. */
  readonly error: AppError
}

export interface OpenedProbes {
  readonly opened: readonly OpenProbe[]
  readonly failed: readonly ProbeFailure[]
}

/** The probes that are on by default, and those that the options ask for. */
function wanted(options: ProbeOptions): readonly ProbeSpec[] {
  return probeSpecs.filter((spec) => spec.default || spec.isAskedFor?.(options))
}

/**
 * Opens the probes that are wanted. Where one of those by default fails the rest is opened; if none opens, or one that
 * was asked for fails, that failure is thrown. Each belongs to the thread that opened it.
 */
export async function openProbes(
  options: ProbeOptions = {},
  specs: readonly ProbeSpec[] = wanted(options),
): Promise<OpenedProbes> {
  const opened: OpenProbe[] = []
  const failed: ProbeFailure[] = []
  for (const spec of specs) {
    try {
      opened.push(await spec.open(options))
    } catch (cause) {
      const error = typed(spec.name, cause)
      if (!spec.default && spec.isAskedFor) {
        for (const probe of opened) probe.close()
        throw error
      }
      failed.push({ probe: spec.name, error })
    }
  }
  const [first] = failed
  if (opened.length === 0 && first) throw first.error
  return { opened, failed }
}

const noUse = { runs: 0, runTimeNs: 0, mapBytes: 0 }

/** Every program of these probes, in the order of the registry: what runs, what does not and why. */
export function programStates(
  { opened, failed }: OpenedProbes,
  specs: readonly ProbeSpec[] = probeSpecs,
): readonly ProgramState[] {
  const ofOpen = opened.flatMap((probe) => {
    const use = probe.use()
    return probe.programs.map(({ name, hook, state, why, id }): ProgramState => {
      const own = { probe: probe.name, program: name, hook, id, reason: why }
      const { runs, runTimeNs, mapBytes } = use.get(name) ?? noUse
      return { ...own, state: state === 'off' ? 'off' : 'ready', runs, runTimeNs, mapBytes }
    })
  })
  const ofFailed = failed.flatMap(({ probe, error }) => {
    const hooks = specs.find(({ name }) => name === probe)?.hooks ?? []
    return hooks.map(({ program, hook }): ProgramState => {
      return { probe, program, hook, state: 'failed', reason: error.message, id: 0, ...noUse }
    })
  })
  return [...ofOpen, ...ofFailed]
}

function typed(probe: string, cause: unknown): AppError {
  if (cause instanceof AppError) return cause
  return fail('probe_defect', { details: { probe, reason: messageOf(cause) }, cause })
}
