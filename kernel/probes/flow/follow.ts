// Keeps the programs on the interfaces that were chosen: those that come are attached, those that go are forgotten. The
// kernel's messages say when to look (loader/link-news.ts).

import type { AppError } from '../../../common/mod.ts'
import { clsact, removeLeftFilters } from '../../loader/attach/clsact.ts'
import type { Attachment } from '../../loader/attach/hook.ts'
import {
  atInterface,
  type Interface,
  type InterfacePlace,
  listInterfaces,
} from '../../loader/attach/interface.ts'
import { socketFilter } from '../../loader/attach/socket-filter.ts'
import { tcx } from '../../loader/attach/tcx.ts'
import { type LinkNews, openLinkNews } from '../../loader/link-news.ts'
import { inNamespace } from '../../loader/namespace.ts'
import type { LoadedObject } from '../../loader/object.ts'
import type { HookChoice, InterfaceLinks } from '../spec.ts'
import { chosen } from './choose.ts'
import { linksOf } from './interface-links.ts'

export interface Following {
  /** All interfaces of the namespace; none when it is gone. */
  list(): readonly Interface[]
  /** Attaches to what has come, forgets what has gone; returns what there is. */
  update(): readonly Interface[]
  /** The same if the kernel says that something has changed. */
  updateIfChanged(): void
  /** Names of interfaces by index: those that are watched, and those that were until lately. */
  readonly names: ReadonlyMap<number, string>
  /** How those that are there are connected. */
  links(): ReadonlyMap<number, InterfaceLinks>
  /** The kind of hook at which all of them are watched. */
  readonly hook: Exclude<HookChoice, 'auto'>
  /** Forgets the names of those that have gone before this was last called: no record can have them any more. */
  forgetGone(): void
  /** How many are watched now. */
  watched(): number
  isWatched(index: number): boolean
  /** Interfaces that could not be attached to, and why. */
  readonly refused: ReadonlyMap<string, AppError>
  close(): void
}

export interface FollowOptions {
  readonly patterns: readonly string[]
  readonly hook: HookChoice
  /** Inode of the network namespace; that of the thread when not given. */
  readonly netns?: number
  readonly onBegin: (found: Interface) => void
  readonly onEnd: (index: number) => void
}

type Hook = Exclude<HookChoice, 'auto'>

interface Watched {
  name: string
  readonly linkType: number
  readonly attached: readonly Attachment[]
}

/** ARPHRD_*: Ethernet and loopback have its header, all others of the kernel's begin with IP. */
const withEthernet = new Set([1, 772])

/** Attaches to nothing before the first `update`. Throws what entering the namespace throws. */
export function followInterfaces(object: LoadedObject, options: FollowOptions): Following {
  const { patterns, netns } = options
  const hook = options.hook === 'auto' ? bestHook() : options.hook
  const watched = new Map<number, Watched>()
  const names = new Map<number, string>()
  const refused = new Map<string, AppError>()
  let gone: readonly number[] = []
  let links: ReadonlyMap<number, InterfaceLinks> = new Map()
  if (hook === 'clsact') removeLeftFilters(netns)
  const news: LinkNews = inNamespace(netns, openLinkNews)

  function list(): readonly Interface[] {
    try {
      return inNamespace(netns, listInterfaces)
    } catch (error) {
      if (isGone(error)) return []
      throw error
    }
  }

  function update(): readonly Interface[] {
    const all = list()
    const there = new Map(all.map((found) => [found.index, found]))
    links = linksOf(all)
    for (const [index, known] of watched) {
      const found = there.get(index)
      const isSame = found !== undefined && found.linkType === known.linkType
      if (isSame && chosen(found.name, patterns)) rename(index, known, found.name)
      else forget(index, known)
    }
    for (const found of all) {
      if (!watched.has(found.index) && chosen(found.name, patterns)) attach(found)
    }
    return all
  }

  /** The programs stay where they are: no packet passes without them. */
  function rename(index: number, known: Watched, name: string): void {
    known.name = name
    names.set(index, name)
  }

  function forget(index: number, { attached }: Watched): void {
    detachAll(attached)
    watched.delete(index)
    options.onEnd(index)
  }

  function attach(found: Interface): void {
    const attached: Attachment[] = []
    try {
      attachAll(object, hook, { found, netns }, attached)
      watched.set(found.index, { name: found.name, linkType: found.linkType, attached })
      names.set(found.index, found.name)
      refused.delete(found.name)
      options.onBegin(atInterface(placeOf(found, netns), (now) => now))
    } catch (error) {
      detachAll(attached)
      if ((error as AppError).code === undefined) throw error
      if (!isGone(error)) refused.set(found.name, error as AppError)
    }
  }

  function forgetGone(): void {
    for (const index of gone) if (!watched.has(index)) names.delete(index)
    gone = [...names.keys()].filter((index) => !watched.has(index))
  }

  return {
    list,
    update,
    links: () => links,
    hook,
    forgetGone,
    updateIfChanged: () => {
      if (news.any()) update()
    },
    names,
    watched: () => watched.size,
    isWatched: (index) => watched.has(index),
    refused,
    close: news.close,
  }
}

/** An interface or a namespace went away meanwhile. */
function isGone(error: unknown): boolean {
  const { code } = error as AppError
  return code === 'interface_missing' || code === 'namespace_refused'
}

/** Of an interface that is gone the kernel has detached all. */
function detachAll(attached: readonly Attachment[]): void {
  for (const attachment of attached) {
    try {
      attachment.detach()
    } catch (error) {
      if (!isGone(error)) throw error
    }
  }
}

function placeOf({ index }: Interface, netns: number | undefined): InterfacePlace {
  return { interface: index, ...(netns === undefined ? {} : { netns }) }
}

interface Place {
  readonly found: Interface
  readonly netns: number | undefined
}

function attachAll(
  object: LoadedObject,
  hook: Hook,
  { found, netns }: Place,
  into: Attachment[],
): void {
  const raw = withEthernet.has(found.linkType) ? '' : 'raw_'
  const place = placeOf(found, netns)
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
