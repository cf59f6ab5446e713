// `shop-web[22] → shop-cache[2237]`: both processes of a connection in one cell, cut so that they stay two.

import { shortened, widthOf } from './width.ts'

const arrow = ' → '

/** Names without process ids: `shop-web → shop-cache`. */
export function withoutPids(text: string): string {
  return text.replaceAll(/\[\d+\]/g, '')
}

/** The longer name is cut in its middle first. */
export function shortenedProcesses(text: string, columns: number): string {
  if (widthOf(text) <= columns) return text
  const [first, second, ...more] = text.split(arrow)
  if (first === undefined || second === undefined || more.length > 0) {
    return shortened(text, columns)
  }
  const room = columns - arrow.length
  const left = Math.max(Math.floor(room / 2), room - widthOf(second))
  const cutFirst = shortened(first, left)
  return `${cutFirst}${arrow}${shortened(second, room - widthOf(cutFirst))}`
}
