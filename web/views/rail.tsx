// The rail: the pages that there are, with the range and filters of now.

import { useCell } from '../data/cell.ts'
import { location$, openPage, switchTheme, theme$ } from '../data/page.ts'
import { formatLocation, type PageState } from '../domain/location.ts'
import { type Route, routes } from '../pages/routes.ts'
import { Icon, Logo } from './icons.tsx'
import { help$ } from './keys.ts'

export function Rail() {
  const state = useCell(location$)
  const theme = useCell(theme$)
  return (
    <nav class="rail" aria-label="Pages">
      <Logo />
      {routes.map((route) => (
        <PageLink key={route.name} route={route} state={state} />
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
  readonly route: Route
  readonly state: PageState
}

/** A link like any other, so that it can be opened in a new tab; a plain click changes the page in place. */
export function PageLink({ route, state }: PageLinkProps) {
  const { name, title } = route
  function follow(event: MouseEvent): void {
    if (event.button !== 0 || event.ctrlKey || event.metaKey || event.shiftKey) return
    event.preventDefault()
    openPage(name)
  }
  return (
    <a
      class="nav"
      href={formatLocation({ ...state, page: name, select: undefined })}
      aria-current={state.page === name ? 'page' : undefined}
      onClick={follow}
    >
      <Icon name={name} size="" />
      {title}
    </a>
  )
}
