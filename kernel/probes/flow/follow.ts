// Keeps the programs on the interfaces that were chosen: those that come are attached, those that go are forgotten.

import type { AppError } from '../../../common/mod.ts'
import { clsact, removeLeftFilters } from '../../loader/attach/clsact.ts'
import type { Attachment } from '../../loader/attach/hook.ts'
import { type Interface, listInterfaces } from '../../loader/attach/interface.ts'
import { socketFilter } from '../../loader/attach/socket-filter.ts'
import { tcx } from '../../loader/attach/tcx.ts'
import type { LoadedObject } from '../../loader/object.ts'
import type { HookChoice } from '../spec.ts'
import { chosen } from './choose.ts'

export interface Following {
  /** Attaches to what has come, forgets what has gone. */
  update(): void
  /** Interfaces that are watched, by index. */
  readonly names: ReadonlyMap<number, string>
  /** Interfaces that could not be attached to, and why. */
  readonly refused: ReadonlyMap<string, AppError>
}

type Hook = Exclude<HookChoice, 'auto'>

/** ARPHRD_*: Ethernet and loopback have its header, all others of the kernel's begin with IP. */
const withEthernet = new Set([1, 772])

export function followInterfaces(
  object: LoadedObject,
  patterns: readonly string[],
  choice: HookChoice,
): Following {
  const hook = choice === 'auto' ? bestHook() : choice
  const watched = new Map<number, { readonly name: string; readonly attached: Attachment[] }>()
  const names = new Map<number, string>()
  const refused = new Map<string, AppError>()
  if (hook === 'clsact') removeLeftFilters()

  function update(): void {
    const there = listInterfaces().filter(({ name }) => chosen(name, patterns))
    const indexes = new Map(there.map((one) => [one.index, one.name]))
    for (const [index, { name, attached }] of watched) {
      if (indexes.get(index) === name) continue
      for (const one of attached) one.detach()
      watched.delete(index)
    }
    for (const one of there) if (!watched.has(one.index)) attach(one)
  }

  function attach(found: Interface): void {
    const attached: Attachment[] = []
    try {
      attachAll(object, hook, found, attached)
      watched.set(found.index, { name: found.name, attached })
      names.set(found.index, found.name)
      refused.delete(found.name)
    } catch (error) {
      for (const one of attached) one.detach()
      const { code } = error as AppError
      if (code === undefined) throw error
      if (code !== 'interface_missing') refused.set(found.name, error as AppError)
    }
  }

  return { update, names, refused }
}

function attachAll(object: LoadedObject, hook: Hook, found: Interface, into: Attachment[]): void {
  const raw = withEthernet.has(found.linkType) ? '' : 'raw_'
  const place = { interface: found.index }
  if (hook === 'socket-filter') {
    into.push(object.attach(`flow_${raw}filter`, socketFilter, place))
    return
  }
  for (const direction of ['ingress', 'egress'] as const) {
    const program = `flow_${raw}${direction}`
    const there = { ...place, direction }
    into.push(
      hook === 'tcx' ? object.attach(program, tcx, there) : object.attach(program, clsact, there),
    )
  }
}

/** The first of which the kernel says that it is there, and this process may. */
function bestHook(): Hook {
  const anywhere = { interface: 'lo', direction: 'ingress' } as const
  if (tcx.feature(anywhere).state === 'available') return 'tcx'
  return clsact.feature(anywhere).state === 'missing' ? 'socket-filter' : 'clsact'
}
