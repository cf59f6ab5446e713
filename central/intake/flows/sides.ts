// A packet that one exporter reports at several places counts at one of them. A place is an interface and a side:
// where the packet came in, or where it left. Of each direction of a connection the place that came first counts:
//
//   the same place                                ──► counts
//   another place, at the time of what counted    ──► the same packets: stored, not counted
//   another place, before or after it             ──► the route changed: counts, and is the place from now on
//
// How long a record took is known of NetFlow and IPFIX. A sample of sFlow has one moment: there the place changes when
// it was silent for three minutes.

/** One direction of a record. */
export interface Seen {
  readonly place: string
  /** Both directions are in the record: of a place that sends such and others, too, one kind counts. */
  readonly isBiflow: boolean
  /** First packet, in milliseconds since 1970; 0 when nobody says. */
  readonly startMs: number
  readonly endMs: number
}

export interface Sides {
  /** Whether the record counts; `key` is that of one direction of one connection at one exporter. */
  counts(key: string, seen: Seen): boolean
}

const forgetAfterMs = 180_000
const sidesMax = 100_000
/** Clocks of line cards differ, and a packet needs its time through the device. */
const slackMs = 1_000

/** What has counted at the place that counts. */
interface Known {
  readonly place: string
  readonly isBiflow: boolean
  /** 0 when one of its records did not say. */
  firstMs: number
  lastMs: number
  heardMs: number
}

export function createSides(nowMs: () => number = Date.now, most = sidesMax): Sides {
  /** The one that was heard of last is the last one. */
  const known = new Map<string, Known>()

  function counts(key: string, seen: Seen): boolean {
    const found = known.get(key)
    const now = nowMs()
    const isSame = found?.place === seen.place && found.isBiflow === seen.isBiflow
    if (found && !isSame && isSameTime(found, seen, now)) return false
    known.delete(key)
    if (known.size >= most) known.delete(known.keys().next().value as string)
    const { place, isBiflow } = seen
    known.set(key, {
      place,
      isBiflow,
      firstMs: isSame ? Math.min(found.firstMs, seen.startMs) : seen.startMs,
      lastMs: isSame ? Math.max(found.lastMs, seen.endMs) : seen.endMs,
      heardMs: now,
    })
    return true
  }

  return { counts }
}

/** Whether the record is about packets of a time in which others counted: half of it at least. */
function isSameTime(found: Known, { place, startMs, endMs }: Seen, now: number): boolean {
  if (found.firstMs === 0 || startMs === 0) return now - found.heardMs <= forgetAfterMs
  const slack = found.place === place ? 0 : slackMs
  const from = Math.max(startMs, found.firstMs - slack)
  const to = Math.min(endMs, found.lastMs + slack)
  return to - from >= (endMs - startMs) / 2
}
