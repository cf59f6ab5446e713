// What every page has around its panels: the bar, and below it what is wrong with Weir itself, said once.

import type { ComponentChildren } from 'preact'
import type { Coverage, Health } from '../data/contract.ts'
import type { PageState } from '../domain/location.ts'
import { CommandBar } from './command-bar.tsx'
import { Notices } from './notices.tsx'

export interface PageProps {
  readonly state: PageState
  readonly live: boolean
  readonly health: Health | undefined
  /** The longest interval of the agents. */
  readonly intervalMs: number
}

interface FrameProps {
  readonly heading: string
  readonly coverage: Coverage | undefined
  readonly health: Health | undefined
  /** When the newest answer came, by the server's clock; 0 before the first. */
  readonly atMs: number
  readonly children: ComponentChildren
  /** Beside the page, over it where there is no room. */
  readonly side?: ComponentChildren
}

export function PageFrame({ heading, coverage, health, atMs, children, side }: FrameProps) {
  return (
    <div class="main">
      <CommandBar coverage={coverage} nodes={health?.nodes} atMs={atMs} />
      <main class="page">
        <h1 class="sr">{heading}</h1>
        <Notices health={health} />
        {children}
      </main>
      {side}
    </div>
  )
}
