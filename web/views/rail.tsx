// The rail: only what exists. Overview and Flows are two places of one page.

import { useEffect, useState } from 'preact/hooks'
import { useCell } from '../data/cell.ts'
import { switchTheme, theme$ } from '../data/page.ts'
import { Icon, Logo } from './icons.tsx'
import { help$ } from './keys.ts'

export function Rail() {
  const theme = useCell(theme$)
  const inFlows = useInFlows()
  return (
    <nav class="rail" aria-label="Page">
      <Logo />
      <a class="nav" href="#overview" aria-current={inFlows ? undefined : 'location'}>
        <Icon name="overview" size="" />
        Overview
      </a>
      <a class="nav" href="#flows" aria-current={inFlows ? 'location' : undefined}>
        <Icon name="flows" size="" />
        Flows
      </a>
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

/** Whether the table has reached the upper half of the window. */
function useInFlows(): boolean {
  const [inFlows, setInFlows] = useState(false)
  useEffect(() => {
    function look(): void {
      const top = document.getElementById('flows')?.getBoundingClientRect().top ?? 1e9
      setInFlows(top < innerHeight / 3)
    }
    addEventListener('scroll', look, { passive: true })
    return () => removeEventListener('scroll', look)
  }, [])
  return inFlows
}
