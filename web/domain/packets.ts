// Packets one by one as points: size against time, coloured by label. A label keeps its colour by its place in the list
// of labels; what has none, and what is beyond the list, is grey.

import type { Values } from '../data/contract.ts'
import { msOf } from './time.ts'

/** Series classes of tokens.css, most frequent label first. */
const colors = ['s1', 's2', 's3', 's4', 's5', 's6', 's7', 's8'] as const

export interface Point {
  /** 0 to 1, left to right and bottom to top. */
  readonly x: number
  readonly y: number
  readonly color: string
}

export interface Timeline {
  readonly points: readonly Point[]
  readonly fromMs: number
  readonly toMs: number
  /** Size at the top. */
  readonly topBytes: number
}

/** `labels` in the order of their colours. */
export function timelineOf(rows: readonly Values[], labels: readonly string[]): Timeline {
  const sized = rows.filter((row) => typeof row['packet_size_bytes'] === 'number')
  const times = sized.map((row) => msOf(String(row['time'])))
  const sizes = sized.map((row) => Number(row['packet_size_bytes']))
  const [fromMs, toMs] = [minOf(times), maxOf(times)]
  const topBytes = topOf(maxOf(sizes))
  const points = sized.map((row, at) => ({
    x: toMs === fromMs ? 0.5 : (times[at]! - fromMs) / (toMs - fromMs),
    y: sizes[at]! / topBytes,
    color: colorOf(String(row['label'] ?? ''), labels),
  }))
  return { points, fromMs, toMs, topBytes }
}

export function colorOf(label: string, labels: readonly string[]): string {
  const place = label === '' ? -1 : labels.filter((one) => one !== '').indexOf(label)
  return colors[place] ?? 'so'
}

/** An Ethernet's MTU at least, so that the picture does not jump; a jumbo frame's, a whole super-packet. */
function topOf(most: number): number {
  return [1500, 9000, 65_536].find((top) => most <= top) ?? most
}

function minOf(values: readonly number[]): number {
  return values.reduce((least, value) => Math.min(least, value), values[0] ?? 0)
}

function maxOf(values: readonly number[]): number {
  return values.reduce((most, value) => Math.max(most, value), values[0] ?? 0)
}
