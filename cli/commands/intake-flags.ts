// Flags of what comes from others than agents: NetFlow, IPFIX, sFlow, OTLP.

import { isIP } from 'node:net'
import type { IntakeConfig } from '../../central/mod.ts'
import { parseAddressRange } from '../../wire/mod.ts'
import { endpointsOf } from '../parse/arguments.ts'
import { listensOf, listenUnless } from '../parse/loopback.ts'
import type { Flag, Values } from './command.ts'

const group = 'Flows of routers and switches'

export const flowsInFlag: Flag = {
  name: 'flows-in',
  kind: 'text',
  metavar: 'ADDR:PORT,…',
  env: 'WEIR_FLOWS_IN',
  config: 'intake.flows',
  isList: true,
  expectation: (value) =>
    endpointsOf(value).includes(undefined)
      ? 'one or more ADDR:PORT, commas between them'
      : undefined,
  help: 'Where NetFlow v5 and v9, IPFIX and sFlow v5 come in over UDP, IPFIX over TCP as well: 0.0.0.0:2055. An address that is not loopback needs --flows-from.',
  group,
}

const flowsFromFlag: Flag = {
  name: 'flows-from',
  kind: 'text',
  metavar: 'CIDR,…',
  env: 'WEIR_FLOWS_FROM',
  config: 'intake.from',
  isList: true,
  expectation: (value) =>
    partsOf(value).some((part) => parseAddressRange(part) === undefined)
      ? 'addresses and networks, commas between them: 10.0.0.0/8'
      : undefined,
  help: 'Whose flows are taken; those of others are counted and left out.',
  group,
}

const exportersFlag: Flag = {
  name: 'exporters',
  kind: 'text',
  metavar: 'ADDR=NAME,…',
  env: 'WEIR_EXPORTERS',
  config: 'intake.exporters',
  isList: true,
  expectation: (value) =>
    pairsOf(value).every(([address, name]) => isIP(address) !== 0 && /^[\w.:-]{1,253}$/.test(name))
      ? undefined
      : 'addresses with names, commas between them: 10.0.0.1=edge-1',
  help: 'Names of exporters as nodes; one that is not named here is called by its address.',
  group,
}

const samplingFlag: Flag = {
  name: 'flows-sampling',
  kind: 'text',
  metavar: 'ADDR=N,…',
  env: 'WEIR_FLOWS_SAMPLING',
  config: 'intake.sampling',
  isList: true,
  expectation: (value) =>
    pairsOf(value).every(([address, rate]) => isIP(address) !== 0 && /^[1-9]\d{0,8}$/.test(rate))
      ? undefined
      : 'addresses with a number, commas between them: 10.0.0.1=1000',
  help: 'Of exporters that look at one packet in N and do not say so in what they send.',
  group,
}

const otlp = 'Traces of applications'

const otlpHttpFlag: Flag = {
  name: 'otlp-http',
  kind: 'text',
  metavar: 'off|ADDR:PORT',
  default: 'off',
  env: 'WEIR_OTLP_HTTP',
  config: 'intake.otlp_http',
  listensUnless: 'off',
  help: 'Where spans come in by OTLP over HTTP, as protobuf or JSON: 127.0.0.1:4318.',
  group: otlp,
}

const otlpGrpcFlag: Flag = {
  name: 'otlp-grpc',
  kind: 'text',
  metavar: 'off|ADDR:PORT',
  default: 'off',
  env: 'WEIR_OTLP_GRPC',
  config: 'intake.otlp_grpc',
  listensUnless: 'off',
  help: 'The same by OTLP over gRPC: 127.0.0.1:4317.',
  group: otlp,
}

export const intakeFlags: readonly Flag[] = [
  flowsInFlag,
  flowsFromFlag,
  exportersFlag,
  samplingFlag,
  otlpHttpFlag,
  otlpGrpcFlag,
]

/** What those flags say. Throws AppError not_loopback. */
export function intakeOf(values: Values): IntakeConfig {
  const flowsFrom = partsOf(values.text('flows-from') ?? '')
  const pairs = (name: string) => pairsOf(values.text(name) ?? '')
  return {
    flows: flowEndpoints(values, flowsFrom),
    flowsFrom,
    exporters: new Map(pairs('exporters')),
    sampling: new Map(pairs('flows-sampling').map(([address, rate]) => [address, Number(rate)])),
    otlpHttp: listenUnless(values, otlpHttpFlag),
    otlpGrpc: listenUnless(values, otlpGrpcFlag),
  }
}

/** Datagrams have no token: who may send them is a list of addresses, or --insecure. */
function flowEndpoints(values: Values, from: readonly string[]): IntakeConfig['flows'] {
  if (from.length === 0) return listensOf(values, 'flows-in')
  return endpointsOf(values.text('flows-in') ?? '').flatMap((endpoint) => endpoint ?? [])
}

function partsOf(text: string): readonly string[] {
  return text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '')
}

function pairsOf(text: string): readonly (readonly [string, string])[] {
  return partsOf(text).map((part) => {
    const at = part.indexOf('=')
    return at < 0 ? [part, ''] : [part.slice(0, at), part.slice(at + 1)]
  })
}
