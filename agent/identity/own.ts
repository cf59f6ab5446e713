// What is Weir's own: its connections are left out, and counted.

export interface Own {
  /** Processes of Weir on this node. */
  readonly tgids: Set<number>
  /** Address (four words in memory order) and port of central, when it is reached by TCP. */
  upstream: { readonly address: Uint32Array; readonly port: number } | undefined
}

/** Whether central is at that port of the address in four words from `from` on. */
export function isUpstream({ upstream }: Own, words: Uint32Array, from: number, port: number) {
  if (!upstream || upstream.port !== port) return false
  return upstream.address.every((part, index) => words[from + index] === part)
}
