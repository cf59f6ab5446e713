// A value of any field by its kind and unit: how fields are shown that have no place of their own.

import * as number from '../../common/number/mod.ts'
import { count, duration, exact, type Figure, unmeasured, volume } from '../../common/number/mod.ts'
import { useCell } from '../data/cell.ts'
import type { FieldInfo, Values } from '../data/contract.ts'
import { location$ } from '../data/page.ts'
import { samplingOf, text } from '../domain/flow.ts'
import { clock, dateTime, msOf } from '../domain/time.ts'
import { Estimate, Name, Num } from './text.tsx'

interface ValueProps {
  readonly row: Values
  readonly field: FieldInfo
}

/** Numbers exact, times with their date. */
export function ExactValue({ row, field }: ValueProps) {
  const { zone } = useCell(location$)
  const value = row[field.name]
  if (isNone(row, field)) return <span class="dim">{unmeasured.value}</span>
  if (field.kind === 'time') return <>{dateTime(msOf(String(value)), zone)}</>
  if (typeof value === 'boolean') return <>{value ? 'yes' : 'no'}</>
  if (typeof value === 'number' && field.unit === 'ns') return <>{number.text(duration(value))}</>
  if (typeof value === 'number' && isCount(field)) {
    return (
      <>
        <EstimateOf row={row} field={field} />
        {exact(value)}
      </>
    )
  }
  return <Name text={text(row, field.name)} />
}

/** Nothing before an exact number. */
function EstimateOf({ row, field: { name } }: ValueProps) {
  const sampling = samplingOf(row, name)
  return sampling > 1 ? <Estimate sampling={sampling} /> : null
}

/** Numbers as short as a cell of a table. */
export function ShortValue({ row, field }: ValueProps) {
  const { zone } = useCell(location$)
  const value = row[field.name]
  if (isNone(row, field)) return <span class="dim">{unmeasured.value}</span>
  if (field.kind === 'time') {
    const time = String(value)
    return <time title={time}>{clock(msOf(time), zone, 3)}</time>
  }
  if (typeof value === 'number' && isCount(field)) {
    const figure = shortFigure(value, field)
    return (
      <span title={exact(value)} class={value === 0 ? 'dim' : ''}>
        <EstimateOf row={row} field={field} />
        <Num figure={figure} slot={slotOf(field)} />
      </span>
    )
  }
  return <ExactValue row={row} field={field} />
}

/** Classes of a column of this field: numbers stand at the right. */
export function classOf(field: FieldInfo): string {
  if (isCount(field)) return 'num'
  return field.kind === 'time' ? 'mid' : field.kind === 'address' ? 'mono' : ''
}

/** The slot that the unit of the field's numbers stands in. */
export function slotOf({ unit }: FieldInfo): string {
  return unit === 'bytes' || unit === 'ns' ? 'u2' : ''
}

function shortFigure(value: number, { unit }: FieldInfo): Figure {
  if (unit === 'bytes') return volume(value)
  return unit === 'ns' ? duration(value) : count(value)
}

/** A port or a process id is a number, but no count. */
function isCount({ kind, sum }: FieldInfo): boolean {
  return kind === 'counter' || sum
}

/** Whether the row says nothing: no text, not measured, or the 0 of an id that nobody has. */
export function isNone(row: Values, { name, kind, nullable }: FieldInfo): boolean {
  const value = text(row, name)
  return value === '' || (value === '0' && !nullable && (kind === 'u32' || kind === 'id'))
}
