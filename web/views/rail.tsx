// The rail: the pages that there are, with the range and filters of now.

import { useCell } from '../data/cell.ts'
import { location$, openPage, switchTheme, theme$ } from '../data/page.ts'
import { formatLocation, type PageState, pagePaths } from '../domain/location.ts'
import { Icon, Logo } from './icons.tsx'
import { help$ } from './keys.ts'

const titles = { overview: 'Overview', flows: 'Flows', nodes: 'Nodes' } as const

export function Rail() {
  const state = useCell(location$)
  const theme = useCell(theme$)
  return (
    <nav class="rail" aria-label="Pages">
      <Logo />
      {Object.keys(pagePaths).map((page) => (
        <PageLink key={page} page={page as keyof typeof pagePaths} state={state} />
      ))}
      <button
        type="button"
        class="nav push"
        aria-label={`Switch to the ${theme === 'dark' ? 'light' : 'dark'} theme`}
        title="Theme"
        onClick={switchTheme}
      >
        <Icon name="theme" size="" />
        <span class="show-s">Theme</span>
      </button>
      <button
        type="button"
        class="nav hide-s"
        aria-label="Keyboard help"
        title="Keyboard (?)"
        onClick={() => help$.set(true)}
      >
        <Icon name="help" size="" />
      </button>
    </nav>
  )
}

interface PageLinkProps {
  readonly page: keyof typeof pagePaths
  readonly state: PageState
}

/** A link like any other, so that it can be opened in a new tab; a plain click changes the page in place. */
export function PageLink({ page, state }: PageLinkProps) {
  function follow(event: MouseEvent): void {
    if (event.button !== 0 || event.ctrlKey || event.metaKey || event.shiftKey) return
    event.preventDefault()
    openPage(page)
  }
  return (
    <a
      class="nav"
      href={formatLocation({ ...state, page, select: undefined })}
      aria-current={state.page === page ? 'page' : undefined}
      onClick={follow}
    >
      <Icon name={page} size="" />
      {titles[page]}
    </a>
  )
}
