// What XDP programs of Weir are pinned on this host, their rules and what those counted, as rows for central. The
// pins are looked at once an interval; a host without any pays one look into a folder that is not there.

import {
  bootToWallNs,
  findPinned,
  formatRule,
  listPinned,
  type PinnedXdp,
  pinnedXdpStatus,
  readXdpCounters,
  rulesInForce,
  summarizeRules,
} from '../../kernel/mod.ts'
import { appendRow, type Batch, createBatch, type RowValues, ruleTable } from '../../wire/mod.ts'

export interface RuleReport {
  /** Rows of a report that is due; undefined else. `time` in nanoseconds since 1970. */
  take(time: bigint): Batch | undefined
}

export interface RuleReportConfig {
  readonly node: string
  /** Where programs are pinned; without it there is never a report. */
  readonly pinRoot?: string
}

/** More rules of an interface are not reported one by one. */
export const reportedRulesMax = 2000
const whenChangedNs = 10_000_000_000n
const whenSilentNs = 60_000_000_000n

export function createRuleReport({ node, pinRoot }: RuleReportConfig): RuleReport {
  if (pinRoot === undefined) return { take: () => undefined }
  const root = pinRoot
  const modes = createModes(root)
  let last = { time: 0n, shape: '', packets: 0 }

  function take(time: bigint): Batch | undefined {
    const places = listPinned(root)
    if (places.length === 0 && last.shape === '') return undefined
    const opened = places.flatMap((place) => findPinned(place) ?? [])
    try {
      const now = { time, shape: shapeOf(opened, modes.of), packets: packetsOf(opened) }
      if (!isDue(now)) return undefined
      last = now
      const rows = opened.flatMap((pinned) => rowsOf(pinned, modes.of(pinned)))
      // That nothing is loaded any more is a report too.
      return batchOf(rows.length === 0 ? [{}] : rows, { node, time })
    } finally {
      for (const pinned of opened) pinned.close()
    }
  }

  function isDue({ time, shape, packets }: typeof last): boolean {
    if (shape !== last.shape) return true
    const silentNs = packets === last.packets ? whenSilentNs : whenChangedNs
    return shape !== '' && time - last.time >= silentNs
  }

  return { take }
}

/** What is loaded where: a change of it is reported at once. */
function shapeOf(opened: readonly PinnedXdp[], modeOf: (pinned: PinnedXdp) => string): string {
  return opened
    .map((pinned) => {
      const { place, link, ifindex, maps } = pinned
      const { generation, deadlineNs } = summarizeRules(maps)
      const what = `${place.netns}/${place.interface} ${ifindex} ${link.programId}`
      return `${what} ${modeOf(pinned)} ${generation} ${deadlineNs}`
    })
    .join('\n')
}

function packetsOf(opened: readonly PinnedXdp[]): number {
  return opened.reduce((sum, { maps }) => sum + (readXdpCounters(maps.counters)['seen'] ?? 0), 0)
}

function rowsOf({ place, link, maps }: PinnedXdp, mode: string): readonly RowValues[] {
  const { interface: name, netns } = place
  const toWall = bootToWallNs()
  const { count, deadlineNs, protect } = summarizeRules(maps)
  const counters = readXdpCounters(maps.counters)
  const rules = count <= reportedRulesMax ? rulesInForce(maps, name).rules : []
  const shared = {
    netns,
    interface: name,
    mode,
    program_id: link.programId,
    protect,
    rules: count,
    confirm_by: deadlineNs === 0n ? null : deadlineNs + toWall,
  }
  const itself = {
    ...shared,
    packets: counters['seen'] ?? 0,
    dropped: counters['dropped'] ?? 0,
    protected: counters['protected'] ?? 0,
  }
  return [
    itself,
    ...rules.map(({ rule, expiresNs, counts }, at) => ({
      ...shared,
      rank: at + 1,
      rule: formatRule(rule),
      action: rule.action,
      label: rule.label === 0 ? '' : String(rule.label),
      shadow: rule.shadow,
      expires: expiresNs === 0n ? null : expiresNs + toWall,
      packets: counts.packets,
      bytes: counts.bytes,
      dropped: counts.droppedPackets,
      dropped_bytes: counts.droppedBytes,
    })),
  ]
}

function batchOf(rows: readonly RowValues[], who: { node: string; time: bigint }): Batch {
  const batch = createBatch(ruleTable, rows.length)
  for (const row of rows) appendRow(batch, { ...row, ...who })
  return batch
}

/** Of a program's mode only a worker can ask, in the namespace of its interface: the next report has it. */
function createModes(root: string) {
  let known = new Map<string, string>()
  let asking = false
  const keyOf = (netns: number, name: string, program: number, ifindex: number) =>
    `${netns}/${name} ${program} ${ifindex > 0}`

  async function ask(): Promise<void> {
    asking = true
    const found = await pinnedXdpStatus(root).catch(() => [])
    known = new Map(
      found.map(({ netns, interface: name, programId, mode }) => [
        keyOf(netns, name, programId, mode === 'gone' ? 0 : 1),
        mode,
      ]),
    )
    asking = false
  }

  function of({ place, link, ifindex }: PinnedXdp): string {
    if (ifindex === 0) return 'gone'
    const mode = known.get(keyOf(place.netns, place.interface, link.programId, ifindex))
    if (mode === undefined && !asking) void ask()
    return mode ?? ''
  }

  return { of }
}
