// Numbers, spans and shares as people read them. Nothing here needs Node: the page imports it too.

export {
  age,
  bare,
  bitRate,
  count,
  duration,
  exact,
  type Figure,
  type NumberStyle,
  niceTop,
  pageStyle,
  percent,
  rate,
  terminalStyle,
  text,
  unmeasured,
  volume,
} from './number.ts'
export { shareText, spanText, watchedText } from './share.ts'
