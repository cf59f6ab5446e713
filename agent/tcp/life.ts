// The one rule for when a connection is reported, deferred, joined late and forgotten. It is a table, drawn as a
// state machine in docs/design/006-one-ended-connections.md: the first line whose facts hold decides. Pure: what
// is known of a connection at a report goes in, what happens to it comes out.

/** What is known of a connection at a report; the bits of a `situation`. */
export const fact = {
  /** A row of it was reported. */
  reported: 1,
  /** The row with its end was reported. */
  endReported: 2,
  /** Both ends were seen. */
  bothEnds: 4,
  /** Every end that was seen has ended. */
  ended: 8,
  /** One of them without a record that says so. */
  vanished: 16,
  /** Its pair of initial sequence numbers is known: another end would be recognised by it. */
  paired: 32,
  /** Its handshake is in progress since less than two intervals. */
  dialling: 64,
  /** The address of the end that was not seen is an address of this node. */
  peerHere: 128,
  /** It was deferred before: while it was open, or, if it has ended, since it has. */
  deferred: 256,
  /** No report will follow. */
  lastReport: 512,
} as const

export type Fact = keyof typeof fact

/** What is reported. `news`: a row without an end, if there is anything new. `open`: the same, and once a minute. */
export const rowKind = { none: 0, news: 1, open: 2, end: 3 } as const
/** What becomes of it. `remember`: kept for a late end, within bounds of time and memory. */
export const fate = { keep: 0, defer: 1, remember: 2, forget: 3 } as const

export interface LifeRule {
  readonly name: string
  readonly yes: readonly Fact[]
  readonly no: readonly Fact[]
  readonly row: keyof typeof rowKind
  readonly fate: keyof typeof fate
}

export const lifeRules: readonly LifeRule[] = [
  {
    name: 'the late end has ended too',
    yes: ['endReported', 'bothEnds', 'ended'],
    no: ['vanished'],
    row: 'news',
    fate: 'forget',
  },
  {
    name: 'ended already, another end may be late or is open',
    yes: ['endReported'],
    no: [],
    row: 'news',
    fate: 'remember',
  },
  {
    name: 'a handshake has no id yet',
    yes: ['dialling'],
    no: ['reported', 'bothEnds', 'ended', 'lastReport'],
    row: 'none',
    fate: 'defer',
  },
  {
    name: 'open, and its other end must be on this node',
    yes: ['peerHere'],
    no: ['reported', 'bothEnds', 'ended', 'deferred', 'lastReport'],
    row: 'none',
    fate: 'defer',
  },
  {
    name: 'ended, and its other end must be on this node',
    yes: ['ended', 'paired', 'peerHere'],
    no: ['bothEnds', 'deferred', 'lastReport'],
    row: 'none',
    fate: 'defer',
  },
  { name: 'open', yes: [], no: ['ended'], row: 'open', fate: 'keep' },
  {
    name: 'both ends have ended',
    yes: ['bothEnds'],
    no: ['vanished'],
    row: 'end',
    fate: 'forget',
  },
  {
    name: 'ended as far as was seen',
    yes: ['paired'],
    no: [],
    row: 'end',
    fate: 'remember',
  },
  {
    name: 'an attempt that is gone without a record, perhaps a success',
    yes: ['vanished'],
    no: [],
    row: 'end',
    fate: 'remember',
  },
  { name: 'a failed attempt: no other end exists', yes: [], no: [], row: 'end', fate: 'forget' },
]

/** Row kind and fate of a situation, as one number: `row | fate << 2`. */
export type Decision = number

const decisions = Uint8Array.from({ length: 1024 }, (_, situation) => decide(situation))

export function decisionOf(situation: number): Decision {
  return decisions[situation] as number
}

export function rowOfDecision(decision: Decision): number {
  return decision & 3
}

export function fateOfDecision(decision: Decision): number {
  return decision >> 2
}

/** The first rule that holds. */
export function ruleOf(situation: number): LifeRule {
  return lifeRules.find((rule) => holds(rule, situation)) as LifeRule
}

function decide(situation: number): Decision {
  const rule = ruleOf(situation)
  return rowKind[rule.row] | (fate[rule.fate] << 2)
}

function holds({ yes, no }: LifeRule, situation: number): boolean {
  return (
    yes.every((name) => (situation & fact[name]) !== 0) &&
    no.every((name) => (situation & fact[name]) === 0)
  )
}
