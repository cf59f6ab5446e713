// Rules: what is loaded at XDP on which interface, what each rule has counted, what waits to be confirmed. Read-only: rules
// are changed on their node, by somebody who can be cut off by them.

import { count, duration, exact, text, volume } from '../../../common/number/mod.ts'
import { useAnswer } from '../../data/answer.ts'
import type { RulesAnswer, Values } from '../../data/contract.ts'
import { useFits } from '../../data/filter.ts'
import { serverNow } from '../../data/request.ts'
import { type PageState, rangeOf } from '../../domain/location.ts'
import { tablesOf } from '../../domain/page-tables.ts'
import { interfacesOf, type LoadedInterface } from '../../domain/rules.ts'
import { msOf, rangeLabel } from '../../domain/time.ts'
import { Mark } from '../../views/icons.tsx'
import { PageFrame, type PageProps } from '../../views/page-frame.tsx'
import { WhenAnswered } from '../../views/panel-state.tsx'
import { type Column, Table } from '../../views/table.tsx'
import { Name } from '../../views/text.tsx'

const refreshEveryMs = 5_000

export function RulesPage({ state, live, health }: PageProps) {
  const fits = useFits(state.filter, tablesOf('rules'))
  const answer = useAnswer<RulesAnswer>(
    `/api/rules?${queryOf(state, fits?.has('rules'))}`,
    live ? refreshEveryMs : undefined,
  )
  const now = answer.atMs || serverNow()
  const rangeText = rangeLabel(rangeOf(state, now), now, state.zone)
  const { data } = answer
  const interfaces = interfacesOf(data?.rows ?? [])
  return (
    <PageFrame
      heading={`Weir: rules, ${rangeText}`}
      coverage={data?.coverage}
      health={health}
      atMs={answer.atMs}
    >
      {(interfaces.length === 0 || answer.failure) && (
        <section class={`panel ${answer.failure ? 'stale' : ''}`} aria-labelledby="rules">
          <header>
            <h2 id="rules">Rules at XDP</h2>
          </header>
          <WhenAnswered answer={answer} range={rangeText}>
            {data && <Nothing />}
          </WhenAnswered>
        </section>
      )}
      {interfaces.map((each) => (
        <Interface key={each.key} loaded={each} nowMs={now} />
      ))}
    </PageFrame>
  )
}

/** A filter about connections is no mistake here: it leaves the rules whole. */
function queryOf({ from, to, filter }: PageState, fits: boolean | undefined): string {
  const query = new URLSearchParams({ from, to })
  if (fits && filter !== '') query.append('filter', filter)
  return query.toString()
}

function Nothing() {
  return (
    <div class="state">
      <p class="strong">No node has rules at XDP.</p>
      <p>
        On a node: <code>weir xdp attach -i eth0</code>, then{' '}
        <code>weir rules apply -i eth0 FILE --shadow</code> to see what rules would do.
      </p>
    </div>
  )
}

interface InterfaceProps {
  readonly loaded: LoadedInterface
  readonly nowMs: number
}

function Interface({ loaded, nowMs }: InterfaceProps) {
  const { key, node, name, itself, rules } = loaded
  return (
    <section class="panel" aria-labelledby={key}>
      <header>
        <h2 id={key}>
          <Name text={node} /> <Name text={name} />
        </h2>
        <span class="sub">{itself && summary(itself)}</span>
      </header>
      {itself && <Notices itself={itself} nowMs={nowMs} />}
      {rules.length > 0 && (
        <Table
          name="rules"
          columns={columnsOf(nowMs)}
          rows={rules}
          keyOf={(row) => `${row['rank']}`}
        />
      )}
      {rules.length === 0 && <p class="state">{withoutRules(itself)}</p>}
    </section>
  )
}

function summary(row: Values): string {
  const number = Number(row['rules'])
  const parts = [
    `${exact(number)} ${number === 1 ? 'rule' : 'rules'}`,
    row['mode'] === 'native' || row['mode'] === 'generic' ? `${row['mode']} mode` : '',
    `${exact(Number(row['packets']))} packets in, ${exact(Number(row['dropped']))} dropped`,
    `${exact(Number(row['protected']))} protected`,
  ]
  return parts.filter((part) => part !== '').join(' · ')
}

function withoutRules(itself: Values | undefined): string {
  const number = Number(itself?.['rules'] ?? 0)
  if (number === 0) return 'No rule: every packet passes.'
  return `${exact(number)} rules are too many to be shown here: weir rules list on the node shows them.`
}

/** What could surprise: rules that go by themselves, an interface that is gone, a host without protection. */
function Notices({ itself, nowMs }: { readonly itself: Values; readonly nowMs: number }) {
  const confirmBy = itself['confirm_by']
  const notices = [
    typeof confirmBy === 'string' &&
      `These rules are taken back ${untilText(confirmBy, nowMs)} unless somebody confirms them: weir rules confirm.`,
    itself['mode'] === 'gone' &&
      'The interface was deleted: no rule works until it is attached again.',
    itself['protect'] === false &&
      'Nothing is protected: rules drop the connections of Weir, neighbour discovery and DHCP too.',
  ].filter((notice) => typeof notice === 'string')
  return (
    <>
      {notices.map((notice) => (
        <p key={notice} class="banner missed" role="status">
          <Mark level="warn" />
          <span>{notice}</span>
        </p>
      ))}
    </>
  )
}

function untilText(time: string, nowMs: number): string {
  const left = msOf(time) - nowMs
  return left <= 0 ? 'now' : `in ${text(duration(left * 1e6))}`
}

/** A rule with a rate drops what is beyond it, and nothing else. */
const overLimit = (row: Values) => (/^limit\b/.test(String(row['rule'])) ? ' over the limit' : '')

const isShadow = (row: Values) => row['shadow'] === true

function columnsOf(nowMs: number): readonly Column<Values>[] {
  return [
    {
      name: 'rank',
      head: '#',
      class: 'num',
      leaves: 'narrow',
      help: 'The first rule whose conditions hold decides',
      cell: (row) => String(row['rank']),
    },
    {
      name: 'rule',
      head: 'Rule',
      tone: () => 'mono wrap',
      title: (row) => String(row['rule']),
      cell: (row) => <Name text={String(row['rule'])} />,
    },
    {
      name: 'label',
      head: 'Label',
      leaves: 'narrow',
      cell: (row) => <Name text={String(row['label'])} />,
      filters: (row) => (row['label'] ? [{ field: 'label', value: String(row['label']) }] : []),
    },
    {
      name: 'packets',
      head: 'Packets',
      class: 'num',
      title: (row) => exact(Number(row['packets'])),
      cell: (row) => text(count(Number(row['packets']))),
    },
    {
      name: 'bytes',
      head: 'Volume',
      class: 'num',
      leaves: 'narrow',
      title: (row) => exact(Number(row['bytes'])),
      cell: (row) => text(volume(Number(row['bytes']))),
    },
    {
      name: 'dropped',
      head: 'Dropped',
      class: 'num',
      tone: (row) => (isShadow(row) ? 'mid' : ''),
      title: (row) =>
        `${exact(Number(row['dropped']))}${isShadow(row) ? ' would have been dropped' : ''}${overLimit(row) && ': sent faster than the limit allows'}`,
      cell: (row) => (
        <>
          {isShadow(row) && <span class="dim">would drop </span>}
          {text(count(Number(row['dropped'])))}
          <span class="dim">{overLimit(row)}</span>
        </>
      ),
    },
    {
      name: 'expires',
      head: 'Ends',
      class: 'mid',
      cell: (row) =>
        typeof row['expires'] === 'string' ? untilText(row['expires'], nowMs) : 'never',
    },
  ]
}
