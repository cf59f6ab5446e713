// The BPF programs of every node, as they were last reported: what runs, what it costs, what does not run and why.

import { duration, exact, text, unmeasured, volume } from '../../../common/number/mod.ts'
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
            columns={columnsOf(data.rows)}
            rows={data.rows}
            keyOf={(row) => `${row['node']} ${row['probe']} ${row['program']}`}
          />
        )}
      </WhenAnswered>
    </section>
  )
}

const isFailed = (row: Values) => row['state'] === 'failed'

/** The kernel counts runs of all programs of a host, or of none: – is not 0. */
function columnsOf(rows: readonly Values[]): readonly Column<Values>[] {
  const counting = new Set(rows.filter((row) => Number(row['runs']) > 0).map((row) => row['node']))
  const counted = (row: Values, shown: string) =>
    counting.has(row['node']) ? shown : unmeasured.value
  return [
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
    {
      name: 'runs',
      head: 'Runs',
      class: 'num',
      title: runsTitle,
      cell: (row) => counted(row, exact(Number(row['runs']))),
    },
    {
      name: 'run_time_ns',
      head: 'Run time',
      class: 'num',
      leaves: 'narrow',
      title: runsTitle,
      cell: (row) => counted(row, text(duration(Number(row['run_time_ns'])))),
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
}

const runsTitle = () => 'Counted where kernel.bpf_stats_enabled is on'
