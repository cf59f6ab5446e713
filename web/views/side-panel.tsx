// What stands beside a page: a title, a way to close it, and what it is about.

import type { ComponentChildren } from 'preact'
import { select } from '../data/page.ts'
import { Icon } from './icons.tsx'

interface SidePanelProps {
  readonly label: string
  readonly title: ComponentChildren
  readonly children: ComponentChildren
}

export function SidePanel({ label, title, children }: SidePanelProps) {
  return (
    <aside class="panel side" aria-label={label}>
      <div class="sh">
        <h2>{title}</h2>
        <span class="end">
          <button
            type="button"
            class="ctl bare"
            aria-label="Close the panel"
            onClick={() => select(undefined)}
          >
            <Icon name="close" size="ico" />
          </button>
        </span>
      </div>
      {children}
    </aside>
  )
}
