// Writes families as Prometheus reads them: text 0.0.4 or OpenMetrics 1.0, in chunks, so that a large answer does not
// block the process while it is written.
// https://prometheus.io/docs/instrumenting/exposition_formats/, https://openmetrics.io (1.0.0)

import type { Family, Series } from './family.ts'

export type ExpositionFormat = 'text' | 'openmetrics'

export const contentTypes: Readonly<Record<ExpositionFormat, string>> = {
  text: 'text/plain; version=0.0.4; charset=utf-8',
  openmetrics: 'application/openmetrics-text; version=1.0.0; charset=utf-8',
}

const chunkLength = 64 * 1024

/**
 * The format that an Accept header prefers: OpenMetrics when it is asked for by name and nothing else is preferred,
 * else the text format, which every reader knows.
 */
export function formatOf(accept: string | undefined): ExpositionFormat {
  let text = 0
  let openmetrics = 0
  for (const part of (accept ?? '').toLowerCase().split(',')) {
    const [type = '', ...parameters] = part.split(';').map((word) => word.trim())
    const weight = weightOf(parameters)
    const version = parameters.find((word) => word.startsWith('version='))?.slice(8)
    if (type === 'application/openmetrics-text' && (version ?? '1.0.0') === '1.0.0') {
      openmetrics = Math.max(openmetrics, weight)
    } else if (type === 'text/plain' || type === 'text/*' || type === '*/*') {
      text = Math.max(text, weight)
    }
  }
  return openmetrics > 0 && openmetrics >= text ? 'openmetrics' : 'text'
}

function weightOf(parameters: readonly string[]): number {
  const given = parameters.find((word) => word.startsWith('q='))
  const weight = given === undefined ? 1 : Number(given.slice(2))
  return weight >= 0 && weight <= 1 ? weight : 0
}

/** The answer in chunks of about 64 KiB. */
export function* exposition(
  families: Iterable<Family>,
  format: ExpositionFormat,
): Generator<string> {
  const isOpen = format === 'openmetrics'
  let chunk = ''
  for (const family of families) {
    chunk += headOf(family, isOpen)
    for (const series of family.series()) {
      chunk += series.histogram
        ? histogramLines(family, series, isOpen)
        : valueLines(family, series, isOpen)
      if (chunk.length < chunkLength) continue
      yield chunk
      chunk = ''
    }
  }
  if (isOpen) chunk += '# EOF\n'
  if (chunk !== '') yield chunk
}

/** OpenMetrics names a family without the ending of its samples. */
function openName({ name, kind }: Family): string {
  if (kind === 'counter') return name.replace(/_total$/, '')
  return kind === 'info' ? name.replace(/_info$/, '') : name
}

function headOf(family: Family, isOpen: boolean): string {
  const name = isOpen ? openName(family) : family.name
  const kind = family.kind === 'info' && !isOpen ? 'gauge' : family.kind
  const unit = isOpen && family.unit !== undefined ? `# UNIT ${name} ${family.unit}\n` : ''
  return `# HELP ${name} ${escapedHelp(family.help, isOpen)}\n# TYPE ${name} ${kind}\n${unit}`
}

function escapedHelp(help: string, isOpen: boolean): string {
  const escaped = help.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')
  return isOpen ? escaped.replaceAll('"', '\\"') : escaped
}

function valueLines(family: Family, { labels, value, createdMs }: Series, isOpen: boolean): string {
  const braces = labels === '' ? '' : `{${labels}}`
  const line = `${family.name}${braces} ${numberText(value)}\n`
  if (!isOpen || family.kind !== 'counter' || createdMs === undefined) return line
  return `${line}${openName(family)}_created${braces} ${createdMs / 1000}\n`
}

function histogramLines({ name }: Family, series: Series, isOpen: boolean): string {
  const { labels, value, histogram, createdMs } = series
  const { bounds, counts } = histogram as NonNullable<Series['histogram']>
  const before = labels === '' ? '' : `${labels},`
  const braces = labels === '' ? '' : `{${labels}}`
  let lines = ''
  let below = 0
  for (const [index, bound] of bounds.entries()) {
    below += counts[index] as number
    lines += `${name}_bucket{${before}le="${boundText(bound, isOpen)}"} ${below}\n`
  }
  below += counts[bounds.length] as number
  lines += `${name}_bucket{${before}le="+Inf"} ${below}\n`
  lines += `${name}_sum${braces} ${numberText(value)}\n${name}_count${braces} ${below}\n`
  if (isOpen && createdMs !== undefined) lines += `${name}_created${braces} ${createdMs / 1000}\n`
  return lines
}

/** OpenMetrics wants the canonical form of a float. */
function boundText(bound: number, isOpen: boolean): string {
  return isOpen && Number.isInteger(bound) ? `${bound}.0` : String(bound)
}

function numberText(value: number): string {
  if (value === Number.POSITIVE_INFINITY) return '+Inf'
  return value === Number.NEGATIVE_INFINITY ? '-Inf' : String(value)
}
