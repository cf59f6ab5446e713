// Nodes: can this be trusted. The loss ledger of the range, the agents worst first, and Weir's own checks.

import { exact, shareText } from '../../../common/number/mod.ts'
import { useAnswer } from '../../data/answer.ts'
import type { Coverage, Health, LedgerAnswer } from '../../data/contract.ts'
import { useFits } from '../../data/filter.ts'
import { serverNow } from '../../data/request.ts'
import { isFiltered, type PageState, rangeOf } from '../../domain/location.ts'
import { tablesOf } from '../../domain/page-tables.ts'
import { rangeLabel } from '../../domain/time.ts'
import { PanelCoverage } from '../../views/coverage-badge.tsx'
import { Mark } from '../../views/icons.tsx'
import { PageFrame, type PageProps } from '../../views/page-frame.tsx'
import { WhenAnswered } from '../../views/panel-state.tsx'
import { type Column, Table } from '../../views/table.tsx'
import { Name } from '../../views/text.tsx'
import { Agents } from './agents.tsx'
import { Exports } from './exports.tsx'
import { Interfaces } from './interfaces.tsx'
import { Ledger } from './ledger.tsx'
import { Programs } from './programs.tsx'
import { lostBeside, stagesOf } from './stages.ts'

const refreshEveryMs = 10_000

export function NodesPage({ state, live, health }: PageProps) {
  const fits = useFits(state.filter, tablesOf('nodes'))
  const answer = useAnswer<LedgerAnswer>(
    `/api/ledger?${queryOf(state, fits?.has('ledger'))}`,
    live ? refreshEveryMs : undefined,
  )
  const now = answer.atMs || serverNow()
  const rangeText = rangeLabel(rangeOf(state, now), now, state.zone)
  const { data } = answer
  return (
    <PageFrame
      heading={`Weir: nodes and health, ${rangeText}`}
      coverage={data?.coverage}
      health={health}
      atMs={answer.atMs}
    >
      {data && <Verdict coverage={data.coverage} rows={data.rows} nodes={health?.nodes ?? []} />}
      <section class={`panel ${answer.failure ? 'stale' : ''}`} aria-labelledby="ledger">
        <header>
          <h2 id="ledger">Loss ledger</h2>
          <span class="sub">
            in = out + filtered + sampled + lost + change of waiting, {rangeText}
            {isFiltered(state) &&
              !fits?.has('ledger') &&
              ', all nodes: the filter is about connections'}
          </span>
          <span class="end">
            <PanelCoverage coverage={data?.coverage} />
          </span>
        </header>
        <WhenAnswered answer={answer} range={rangeText}>
          {data && <Ledger rows={data.rows} />}
        </WhenAnswered>
      </section>
      <div class="columns">
        <Agents nodes={health?.nodes} atMs={now} />
        <Checks health={health} />
      </div>
      <Interfaces from={state.from} to={state.to} rangeText={rangeText} live={live} />
      <Exports live={live} />
      <Programs
        question={queryOf(state, fits?.has('programs'))}
        rangeText={rangeText}
        live={live}
      />
    </PageFrame>
  )
}

/** Chips are about connections, and so may the filter be: nodes are then shown whole. */
function queryOf({ from, to, filter }: PageState, fits: boolean | undefined): string {
  const query = new URLSearchParams({ from, to })
  if (fits && filter !== '') query.append('filter', filter)
  return query.toString()
}

interface VerdictProps {
  readonly coverage: Coverage
  /** Of the ledger. */
  readonly rows: LedgerAnswer['rows']
  readonly nodes: Health['nodes']
}

/** How much of the truth is stored, in one sentence; who is silent is in the same one, never in the share. */
function Verdict({ coverage: { share, lost }, rows: ledger, nodes }: VerdictProps) {
  const beside = lostBeside(stagesOf(ledger), lost)
  const rows = Object.values(lost).reduce((sum, count) => sum + count, 0)
  const causes = Object.keys(lost).length
  const silent = nodes.filter(({ state }) => state === 'gone' || state === 'late')
  return (
    <p class="verdict">
      <b>
        {share === null
          ? 'Nothing was watched in this range.'
          : `${shareText(share, 2)} of what is known of connections is stored.`}
      </b>{' '}
      {rows > 0 && `${exact(rows)} rows lost, ${causes} ${causes === 1 ? 'cause' : 'causes'}. `}
      {beside.length > 0 && (
        <span class="warn">
          {beside.map(({ count, unit }) => `${exact(count)} ${unit}`).join(', ')} of other things
          were lost.{' '}
        </span>
      )}
      {silent.length > 0 && (
        <span class="warn">
          <Name text={silent.map(({ node }) => node).join(', ')} />{' '}
          {silent.length === 1 ? 'is' : 'are'} silent: what happens there is unknown and not in the
          share.
        </span>
      )}
    </p>
  )
}

function Checks({ health }: { readonly health: Health | undefined }) {
  return (
    <section class="panel" aria-labelledby="checks">
      <header>
        <h2 id="checks">Health</h2>
        <span class="sub">{health && `Weir ${health.version}, ${health.status}`}</span>
      </header>
      {health && (
        <Table
          name="checks"
          columns={checkColumns}
          rows={health.checks}
          keyOf={({ name }) => name}
        />
      )}
    </section>
  )
}

const checkColumns: readonly Column<Health['checks'][number]>[] = [
  { name: 'name', head: 'Check', cell: ({ name }) => <Name text={name} /> },
  {
    name: 'status',
    head: 'State',
    tone: ({ status }) => (status === 'ok' ? 'mid' : status === 'failing' ? 'bad' : 'warn'),
    cell: ({ status }) => (
      <span class="word">
        {status !== 'ok' && <Mark level={status === 'failing' ? 'bad' : 'warn'} />}
        {status}
      </span>
    ),
  },
  {
    name: 'message',
    head: 'What it says',
    tone: () => 'mid wrap',
    cell: ({ message }) => <Name text={message} />,
  },
]
