// Copies a text and says so in its own place: no toast.

import { useState } from 'preact/hooks'
import { Icon } from './icons.tsx'

interface CopyProps {
  readonly label: string
  readonly text: () => string
  readonly icon?: 'copy' | 'link'
  readonly buttonClass?: string
}

export function CopyButton({
  label,
  text,
  icon = 'copy',
  buttonClass = 'ctl bare small',
}: CopyProps) {
  const [result, setResult] = useState('')
  async function copy(): Promise<void> {
    // The clipboard exists only on loopback and https.
    const done = await navigator.clipboard?.writeText(text()).then(
      () => true,
      () => false,
    )
    setResult(done ? 'Copied' : 'The browser refused')
    window.setTimeout(() => setResult(''), 2000)
  }
  return (
    <button
      type="button"
      class={buttonClass}
      aria-label={label}
      title={label}
      onClick={() => void copy()}
    >
      <Icon name={icon} size="ico" />
      <span role="status">{result}</span>
    </button>
  )
}
