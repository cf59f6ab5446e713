// The BPF programs of every node, as they were last reported: what runs, what it costs, what does not run and why.

import { duration, exact, text, volume } from '../../../common/number/mod.ts'
import { useAnswer } from '../../data/answer.ts'
import type { ProgramsAnswer, Values } from '../../data/contract.ts'
import { Mark } from '../../views/icons.tsx'
import { WhenAnswered } from '../../views/panel-state.tsx'
import { type Column, Table } from '../../views/table.tsx'
import { Name } from '../../views/text.tsx'

const refreshEveryMs = 60_000

interface ProgramsProps {
  /** Range and filter. */
  readonly question: string
  readonly rangeText: string
  readonly live: boolean
}

export function Programs({ question, rangeText, live }: ProgramsProps) {
  const everyMs = live ? refreshEveryMs : undefined
  const answer = useAnswer<ProgramsAnswer>(`/api/programs?${question}`, everyMs)
  const { data } = answer
  return (
    <section class={`panel ${answer.failure ? 'stale' : ''}`} aria-labelledby="programs">
      <header>
        <h2 id="programs">Programs in the kernel</h2>
        <span class="sub">{data && `${exact(data.rows.length)}, as last reported`}</span>
      </header>
      <WhenAnswered answer={answer} range={rangeText}>
        {data && (
          <Table
            name="programs"
            columns={columns}
            rows={data.rows}
            keyOf={(row) => `${row['node']} ${row['probe']} ${row['program']}`}
          />
        )}
      </WhenAnswered>
    </section>
  )
}

const isFailed = (row: Values) => row['state'] === 'failed'

const columns: readonly Column<Values>[] = [
  { name: 'node', head: 'Node', cell: (row) => <Name text={String(row['node'])} /> },
  { name: 'program', head: 'Program', cell: (row) => <Name text={String(row['program'])} /> },
  {
    name: 'hook',
    head: 'Hook',
    leaves: 'narrow',
    cell: (row) => <Name text={String(row['hook'])} />,
  },
  {
    name: 'state',
    head: 'State',
    tone: (row) => (isFailed(row) ? 'bad' : 'mid'),
    cell: (row) => (
      <span class="word">
        {isFailed(row) && <Mark level="bad" />}
        {String(row['state'])}
      </span>
    ),
  },
  { name: 'runs', head: 'Runs', class: 'num', cell: (row) => exact(Number(row['runs'])) },
  {
    name: 'run_time_ns',
    head: 'Run time',
    class: 'num',
    leaves: 'narrow',
    cell: (row) => text(duration(Number(row['run_time_ns']))),
  },
  {
    name: 'map_bytes',
    head: 'Maps',
    class: 'num',
    leaves: 'narrow',
    cell: (row) => text(volume(Number(row['map_bytes']))),
  },
  {
    name: 'reason',
    head: 'Why',
    tone: () => 'mid wrap',
    cell: (row) => <Name text={String(row['reason'])} />,
  },
]
