// The ledger as a table: a column for each stage, every number exact, because it has to add up.

import { exact } from '../../../common/number/mod.ts'
import { useCell } from '../../data/cell.ts'
import type { Values } from '../../data/contract.ts'
import { model$ } from '../../data/model.ts'
import { lineLabel, type Words } from '../../domain/model.ts'
import { type Column, Table } from '../../views/table.tsx'
import { Name } from '../../views/text.tsx'
import { type Stage, stagesOf, unaccounted } from './stages.ts'

/** Lines of the ledger, in the order of its equation: fields of a stage. */
const lines = ['entered', 'filtered', 'sampled', 'lost', 'waiting', 'left'] as const

type Line = (typeof lines)[number]

export function Ledger({ rows }: { readonly rows: readonly Values[] }) {
  const { ledger } = useCell(model$)
  const stages = stagesOf(rows)
  if (stages.length === 0) {
    return (
      <div class="state">
        <p class="strong">No agent reported in this range.</p>
      </div>
    )
  }
  const wrong = stages.filter((stage) => unaccounted(stage) !== 0)
  const causes = stages.flatMap((stage) => stage.causes.map((cause) => ({ stage, cause })))
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by key
    <section class="wide-table" tabIndex={0} aria-label="Ledger by stage">
      <Table
        name="ledger"
        columns={stageColumns(stages, ledger)}
        rows={lines}
        keyOf={(line) => line}
      />
      {wrong.map((stage) => (
        <p key={stage.key} class="causes bad">
          {stage.name} ({stage.unit}) does not add up: {exact(Math.abs(unaccounted(stage)))}{' '}
          {unaccounted(stage) > 0 ? 'went in and are nowhere' : 'came out and never went in'}.
        </p>
      ))}
      {causes.length > 0 && (
        <ul class="causes">
          {causes.map(({ stage, cause }) => (
            <li key={`${stage.key} ${cause.kind} ${cause.name}`}>
              <b class={cause.kind === 'lost' ? 'bad' : ''}>{exact(cause.count)}</b> {cause.kind} at{' '}
              <Name text={stage.name} />: <Name text={cause.name} />
            </li>
          ))}
        </ul>
      )}
    </section>
  )
}

/** A column for each stage, after that of the lines' names. */
function stageColumns(stages: readonly Stage[], words: Words): readonly Column<Line>[] {
  const head: Column<Line> = {
    name: 'stage',
    head: lineLabel(words.labelOf('stage')),
    rowHead: true,
    cell: (line) => <span title={words.helpOf(line)}>{lineLabel(words.labelOf(line))}</span>,
  }
  return [head, ...stages.map(stageColumn)]
}

function stageColumn(stage: Stage): Column<Line> {
  return {
    name: stage.key,
    head: () => (
      <>
        <Name text={stage.name} /> <span class="dim">{stage.unit}</span>
      </>
    ),
    class: 'num',
    tone: (line) => toneOf(line, countsOf(stage, line)),
    cell: (line) => {
      const { before, count } = countsOf(stage, line)
      return before === count ? exact(count) : `${exact(before)} → ${exact(count)}`
    },
  }
}

interface Counts {
  /** Before the range; only what waits can differ. */
  readonly before: number
  readonly count: number
}

function countsOf({ counts }: Stage, line: Line): Counts {
  const count = counts[line] ?? 0
  return { before: line === 'waiting' ? (counts['waiting_before'] ?? 0) : count, count }
}

function toneOf(line: Line, { before, count }: Counts): string {
  if (line === 'lost' && count > 0) return 'bad strong'
  return count + before === 0 ? 'dim' : ''
}
