// A button and what it opens. Esc and a click elsewhere close it, and the button has the focus again.

import type { ComponentChildren } from 'preact'
import { useEffect, useRef } from 'preact/hooks'

interface PopoverProps {
  /** Keys open it by this name: `#popover-NAME`. */
  readonly name: string
  readonly open: boolean
  readonly onOpen: (open: boolean) => void
  /** Of what opens; the button's name is what stands on it. */
  readonly label: string
  readonly button: ComponentChildren
  readonly buttonClass: string
  readonly children: ComponentChildren
}

export function Popover({
  name,
  open,
  onOpen,
  label,
  button,
  buttonClass,
  children,
}: PopoverProps) {
  const place = useRef<HTMLDivElement>(null)
  useEffect(() => {
    if (!open) return undefined
    const controller = new AbortController()
    const { signal } = controller
    function close(): void {
      onOpen(false)
      place.current?.querySelector('button')?.focus()
    }
    addEventListener(
      'keydown',
      (event) => {
        if (event.key !== 'Escape') return
        event.stopImmediatePropagation()
        close()
      },
      { signal, capture: true },
    )
    addEventListener(
      'pointerdown',
      (event) => {
        if (!place.current?.contains(event.target as Node)) onOpen(false)
      },
      { signal },
    )
    return () => controller.abort()
  }, [open])

  return (
    <div class="anchor" ref={place}>
      <button
        type="button"
        id={`popover-${name}`}
        class={buttonClass}
        aria-expanded={open}
        aria-haspopup="dialog"
        onClick={() => onOpen(!open)}
      >
        {button}
      </button>
      {open && (
        <div class={`pop pop-${name}`} role="dialog" aria-label={label}>
          {children}
        </div>
      )}
    </div>
  )
}
