// What a rule of the XDP probe says, as plain data: the text, the matcher and the maps of the program all come from it.

/** An IPv6 prefix; IPv4 is `::ffff:a.b.c.d` with 96 more bits. */
export interface Prefix {
  /** 16 octets; those behind `bits` are zero. */
  readonly address: Uint8Array
  /** 0 to 128. */
  readonly bits: number
}

/** Both ends belong to it. */
export interface PortRange {
  readonly from: number
  readonly to: number
}

/** At most `perSecond` per source and second, with a burst of as much. */
export interface Rate {
  readonly unit: 'packets' | 'bytes'
  readonly perSecond: number
  /** How long a source that sent more is dropped altogether; 0 = only what is too much. */
  readonly banMs: number
}

/** What is absent is any. */
export interface Rule {
  /** `limit` drops what exceeds `rate` and passes the rest. */
  readonly action: 'pass' | 'drop' | 'limit'
  readonly rate?: Rate
  /** Absent = both: it stands where a prefix of IPv6 would hold for IPv4 too, as `::/0` would. */
  readonly family?: 6
  /** Never of 0 bits. */
  readonly source?: Prefix
  readonly destination?: Prefix
  /** IP protocol number. */
  readonly protocol?: number
  /** Of the destination. */
  readonly ports?: PortRange
  readonly sourcePorts?: PortRange
  /** The rule is left out on other interfaces. */
  readonly interface?: string
  /** 0 = none. */
  readonly label: number
  /** 0 to 65535; higher is tried first. */
  readonly priority: number
  /** Counts what it would do and does nothing. */
  readonly shadow: boolean
  /** The rule ends so long after it is loaded; absent = never. */
  readonly ttlMs?: number
}

/**
 * The order in which rules are tried: highest priority, then longest source, then longest destination, then as they
 * stand in the text.
 */
export function inOrder(rules: readonly Rule[]): readonly Rule[] {
  return rules.toSorted(
    (one, other) =>
      other.priority - one.priority ||
      (other.source?.bits ?? 0) - (one.source?.bits ?? 0) ||
      (other.destination?.bits ?? 0) - (one.destination?.bits ?? 0),
  )
}

/** Whether the first `prefix.bits` bits are those of the prefix. */
export function isWithin(address: Uint8Array, { address: base, bits }: Prefix): boolean {
  const whole = bits >> 3
  for (let at = 0; at < whole; at++) if (address[at] !== base[at]) return false
  const rest = bits & 7
  if (rest === 0) return true
  const mask = 0xff << (8 - rest)
  return ((address[whole]! ^ base[whole]!) & mask & 0xff) === 0
}
