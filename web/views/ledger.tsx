// The ledger as a table: a column for each stage, every number exact, because it has to add up.

import type { Values } from '../data/contract.ts'
import { type Stage, stagesOf, unaccounted } from '../domain/ledger.ts'
import { exact } from '../domain/number.ts'
import { Name } from './text.tsx'

const lines = [
  ['in', 'entered'],
  ['filtered', 'filtered'],
  ['sampled', 'sampled'],
  ['lost', 'lost'],
  ['waiting', 'waiting'],
  ['out', 'left'],
] as const

export function Ledger({ rows }: { readonly rows: readonly Values[] }) {
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
      <table class="tbl ledger">
        <thead>
          <tr>
            <th scope="col">stage</th>
            {stages.map(({ name, unit }) => (
              <th key={name} scope="col" class="num">
                <Name text={name} /> <span class="dim">{unit}</span>
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {lines.map(([label, field]) => (
            <tr key={field}>
              <th scope="row">{label}</th>
              {stages.map((stage) => (
                <Count key={stage.name} stage={stage} field={field} />
              ))}
            </tr>
          ))}
        </tbody>
      </table>
      {wrong.map((stage) => (
        <p key={stage.name} class="causes bad">
          {stage.name} does not add up: {exact(Math.abs(unaccounted(stage)))}{' '}
          {unaccounted(stage) > 0 ? 'went in and are nowhere' : 'came out and never went in'}.
        </p>
      ))}
      {causes.length > 0 && (
        <ul class="causes">
          {causes.map(({ stage, cause }) => (
            <li key={`${stage.name} ${cause.kind} ${cause.name}`}>
              <b class={cause.kind === 'lost' ? 'bad' : ''}>{exact(cause.count)}</b> {cause.kind} at{' '}
              <Name text={stage.name} />: <Name text={cause.name} />
            </li>
          ))}
        </ul>
      )}
    </section>
  )
}

function Count({ stage, field }: { readonly stage: Stage; readonly field: string }) {
  const count = stage.counts[field] ?? 0
  const before = field === 'waiting' ? (stage.counts['waiting_before'] ?? 0) : count
  const tone = field === 'lost' && count > 0 ? 'bad strong' : count + before === 0 ? 'dim' : ''
  return (
    <td class={`num ${tone}`}>
      {before === count ? exact(count) : `${exact(before)} → ${exact(count)}`}
    </td>
  )
}
