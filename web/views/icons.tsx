// The page's few signs, as inline SVG: no icon library, no request.

import type { ComponentChildren } from 'preact'

/** Functions, because an element that is drawn in two places is kept by both (still.tsx). */
const paths = {
  overview: () => <path d="M2.5 13.5h3l2.2-7 3.4 11 2.6-8 1.3 4h2.5" />,
  flows: () => <path d="M3 5h14M3 10h14M3 15h14M8 3v14" />,
  events: () => <path d="M11 2.5 4.5 11.5H10L9 17.5l6.5-9H10z" />,
  rules: () => (
    <path d="M10 2.500 16 5v5c0 3.600-2.500 6.300-6 7.500-3.500-1.200-6-3.900-6-7.500V5zM7.200 9.800l2 2 3.600-3.800" />
  ),
  nodes: () => (
    <>
      <rect x="3.5" y="3.5" width="13" height="5" rx="1.2" />
      <rect x="3.5" y="11.5" width="13" height="5" rx="1.2" />
      <path d="M6.5 6h.1M6.5 14h.1" />
    </>
  ),
  cut: () => (
    <path d="M3 3l14 14M5 9.5a7 7 0 0 1 3-1.8M2.8 6.5A10 10 0 0 1 6 4.6M10 4c2.800 0 5.300 1 7.200 2.500M12.500 8a7 7 0 0 1 2.500 1.500M10 15h.1" />
  ),
  theme: () => (
    <>
      <circle cx="10" cy="10" r="6.5" />
      <path d="M10 3.5a6.5 6.5 0 0 1 0 13z" fill="currentColor" />
    </>
  ),
  help: () => (
    <>
      <circle cx="10" cy="10" r="7" />
      <path d="M7.8 8a2.2 2.2 0 1 1 3.2 2c-.7.4-1 .8-1 1.5M10 14h.1" />
    </>
  ),
  clock: () => (
    <>
      <circle cx="10" cy="10" r="7" />
      <path d="M10 6v4.3l2.8 1.7" />
    </>
  ),
  search: () => (
    <>
      <circle cx="9" cy="9" r="5.5" />
      <path d="m13 13 4 4" />
    </>
  ),
  down: () => <path d="m5 8 5 5 5-5" />,
  pause: () => <path d="M7 5v10M13 5v10" />,
  play: () => <path d="M7 5v10l8-5z" />,
  close: () => <path d="m5 5 10 10M15 5 5 15" />,
  table: () => (
    <>
      <rect x="3" y="4" width="14" height="12" rx="1.5" />
      <path d="M3 8h14M8 8v8" />
    </>
  ),
  link: () => (
    <path d="M8.5 11.5a3 3 0 0 0 4.3 0l3-3a3 3 0 0 0-4.3-4.3l-1 1M11.5 8.5a3 3 0 0 0-4.3 0l-3 3a3 3 0 0 0 4.3 4.3l1-1" />
  ),
  copy: () => (
    <>
      <rect x="7" y="7" width="10" height="10" rx="1.5" />
      <path d="M13 7V4.5A1.5 1.5 0 0 0 11.5 3h-7A1.5 1.5 0 0 0 3 4.5v7A1.5 1.5 0 0 0 4.5 13H7" />
    </>
  ),
} satisfies Record<string, () => ComponentChildren>

export function Icon({ name, size = 'ico12' }: { name: keyof typeof paths; size?: string }) {
  return (
    <svg
      class={size}
      viewBox="0 0 20 20"
      fill="none"
      stroke="currentColor"
      stroke-width="1.6"
      stroke-linecap="round"
      stroke-linejoin="round"
      aria-hidden="true"
    >
      {paths[name]()}
    </svg>
  )
}

/** Shape carries the meaning, colour only repeats it: diamond = failing, triangle = worse. */
export function Mark({ level }: { level: 'bad' | 'warn' }) {
  const diamond = 'M7 .8 13.2 7 7 13.2.8 7z'
  return (
    <svg class={`ico12 ${level}`} viewBox="0 0 14 14" aria-hidden="true">
      <path d={level === 'bad' ? diamond : 'M7 1.2 13.4 12.6H.6z'} fill="currentColor" />
    </svg>
  )
}

export function Logo() {
  return (
    <svg
      class="logo"
      viewBox="0 0 40 28"
      fill="none"
      stroke="currentColor"
      stroke-width="2.6"
      stroke-linejoin="round"
      stroke-linecap="round"
      role="img"
      aria-label="Weir"
    >
      <path d="M3 6h9l8 13 8-13h9" />
      <path class="faint" d="M15.6 10.2h8.8M10 24.5h20" />
    </svg>
  )
}
