// Addresses of receivers that are several servers: `nats://a:4222,b:4222`.

export interface Brokers {
  readonly scheme: string
  /** HOST:PORT, an IPv6 address in brackets. */
  readonly brokers: readonly string[]
}

/** Undefined when the text is none with one of these schemes. */
export function brokersOf(endpoint: string, schemes: readonly string[]): Brokers | undefined {
  const [scheme, rest] = endpoint.split('://')
  if (scheme === undefined || rest === undefined || !schemes.includes(scheme)) return undefined
  const brokers = rest.split(',').map((one) => one.trim())
  const isRight = brokers.every((one) => /^(?:\[[0-9a-fA-F:.]+\]|[^\s:/@[\]]+):\d{1,5}$/.test(one))
  return isRight ? { scheme, brokers } : undefined
}

export function targetOf({ scheme, brokers }: Brokers): string {
  return `${scheme}://${brokers.join(',')}`
}
