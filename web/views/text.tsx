// Small pieces of text that many views share.

import type { Figure } from '../../common/number/mod.ts'
import { visible } from '../domain/text.ts'

/** A name from outside: isolated from the text around it, with nothing invisible in it. */
export function Name({ text: name }: { readonly text: string }) {
  return <bdi>{visible(name)}</bdi>
}

/** Before a figure of which one packet in `sampling` was counted; the same sign as in the terminal. */
export function Estimate({ sampling }: { readonly sampling?: number | undefined }) {
  const of =
    sampling === undefined ? 'some rows of one packet in several' : `one packet in ${sampling}`
  return <span title={`Estimated from ${of}`}>~</span>
}

/** A figure in a table cell: the unit in a slot of fixed width, so that points align. */
export function Num({ figure, slot }: { readonly figure: Figure; readonly slot: string }) {
  return (
    <>
      {figure.value}
      <i class={slot}>{figure.unit}</i>
    </>
  )
}
