// Where flows of exporters and spans of applications come in, and from whom.

export interface Endpoint {
  readonly host: string
  readonly port: number
}

export interface IntakeConfig {
  /** UDP and TCP: NetFlow v5 and v9, IPFIX, sFlow v5. Port 0 = any free one. */
  readonly flows: readonly Endpoint[]
  /** Addresses and networks whose flows are taken; all when empty. */
  readonly flowsFrom: readonly string[]
  /** Names of exporters by their address. */
  readonly exporters: ReadonlyMap<string, string>
  /** One packet of so many, for exporters that do not say it, by their address. */
  readonly sampling: ReadonlyMap<string, number>
  /** Traces of applications. */
  readonly otlpHttp: Endpoint | undefined
  readonly otlpGrpc: Endpoint | undefined
}

export const intakeNothing: IntakeConfig = {
  flows: [],
  flowsFrom: [],
  exporters: new Map(),
  sampling: new Map(),
  otlpHttp: undefined,
  otlpGrpc: undefined,
}
