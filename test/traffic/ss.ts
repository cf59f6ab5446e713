// Reads `ss -tinHOa`: the independent witness of every socket's counters.

export interface SocketLine {
  readonly state: string
  readonly local: readonly [string, number]
  readonly remote: readonly [string, number]
  readonly receiveQueue: number
  readonly sendQueue: number
  /** `name:number` items of the line, such as bytes_sent, bytes_retrans, bytes_received, segs_out, segs_in. */
  readonly counters: Readonly<Record<string, number>>
}

/** Every socket of the output, in its order. */
export function parseSs(text: string): readonly SocketLine[] {
  return text
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map(parseLine)
}

function parseLine(line: string): SocketLine {
  const [state, receiveQueue, sendQueue, local, remote, ...rest] = line.trim().split(/\s+/)
  const counters: Record<string, number> = {}
  for (const item of rest) {
    const found = /^(\w+):(\d+(?:\.\d+)?)$/.exec(item)
    if (found) counters[found[1]!] = Number(found[2])
  }
  return {
    state: state!,
    local: parseEnd(local!),
    remote: parseEnd(remote!),
    receiveQueue: Number(receiveQueue),
    sendQueue: Number(sendQueue),
    counters,
  }
}

/** `10.0.0.1:80`, `[fd00::1]:80`, `[::ffff:10.0.0.1]:80`, `10.0.0.1%lo:80`; v4-mapped becomes v4. */
function parseEnd(text: string): readonly [string, number] {
  const colon = text.lastIndexOf(':')
  const address = text.slice(0, colon).replace(/[[\]]/g, '').replace(/%.*$/, '')
  return [plainAddress(address), Number(text.slice(colon + 1))]
}

/** v4 addresses that a v6 socket shows as ::ffff:a.b.c.d are v4 everywhere else. */
export function plainAddress(address: string): string {
  return address.replace(/^::ffff:(?=\d+\.)/i, '')
}
