// The keys, and the switch for people whose voice or hand would press them by accident (WCAG 2.1.4).

import { useEffect, useRef } from 'preact/hooks'
import { useCell } from '../data/cell.ts'
import { keys, keysOn$, switchKeys } from './keys.ts'

export function HelpSheet({ onClose }: { readonly onClose: () => void }) {
  const dialog = useRef<HTMLDialogElement>(null)
  const on = useCell(keysOn$)
  useEffect(() => dialog.current?.showModal(), [])
  return (
    <dialog ref={dialog} class="help" aria-labelledby="help-title" onClose={onClose}>
      <h2 id="help-title">Keyboard</h2>
      <dl class="km">
        {keys.map(({ shown, says }) => (
          <div key={says}>
            <dt>
              {shown.map((key) => (
                <kbd key={key} class="key">
                  {key}
                </kbd>
              ))}
            </dt>
            <dd>{says}</dd>
          </div>
        ))}
      </dl>
      <label class="check">
        <input type="checkbox" checked={on} onChange={switchKeys} /> Single keys are on
      </label>
      <p class="dim sm">
        Solid line: measured. Gap: nothing to measure. Hatch: nobody watched, nobody knows. The
        strip under a chart: grey = complete, amber = counted loss, nothing = nobody watched.
      </p>
      <div class="btns">
        <button type="button" class="ctl strong" onClick={() => dialog.current?.close()}>
          Close
        </button>
      </div>
    </dialog>
  )
}
