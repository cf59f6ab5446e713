// What the numbers in a drop record mean on the running kernel: reasons by its own names, places in its code as
// symbol+offset. Numbers and addresses differ from kernel to kernel; names are what is stored.

import { kernelEnum, symbolsOf } from '../../kernel/mod.ts'

export interface DropNames {
  /** `NO_SOCKET`; `unknown` if the kernel does not say, `reason_N` if its type information does not name N. */
  reason(number: number): string
  /** The same for resets. */
  resetReason(number: number): string
  /** Looks up those that are new, all at once: the list of symbols has megabytes. */
  learn(addresses: readonly number[]): void
  /** `tcp_v4_rcv+0x91`; the address in hex if the kernel hides it, '' for none. */
  location(address: number): string
}

/** NO_REASON of kernel/probes/drop/packet_types.h. */
const noReason = 0xffff_ffff
const locationsMax = 4096

export function createDropNames(enumOf = kernelEnum, symbols = symbolsOf): DropNames {
  const reasons = withoutPrefix(enumOf('skb_drop_reason'), 'SKB_DROP_REASON_')
  const resets = withoutPrefix(enumOf('sk_rst_reason'), 'SK_RST_REASON_')
  const locations = new Map<number, string>()
  const nameIn = (names: ReadonlyMap<number, string>, number: number) =>
    number === noReason ? 'unknown' : (names.get(number) ?? `reason_${number}`)

  function learn(addresses: readonly number[]): void {
    const fresh = addresses.filter((address) => address !== 0 && !locations.has(address))
    if (fresh.length === 0) return
    if (locations.size + fresh.length > locationsMax) locations.clear()
    const found = symbols(fresh)
    for (const address of fresh) {
      const hex = `0xffff${address.toString(16).padStart(12, '0')}`
      locations.set(address, found.get(address) ?? hex)
    }
  }

  return {
    reason: (number) => nameIn(reasons, number),
    resetReason: (number) => nameIn(resets, number),
    learn,
    location: (address) => locations.get(address) ?? '',
  }
}

function withoutPrefix(names: ReadonlyMap<number, string>, prefix: string) {
  const short = (name: string) => (name.startsWith(prefix) ? name.slice(prefix.length) : name)
  return new Map([...names].map(([number, name]) => [number, short(name)]))
}
