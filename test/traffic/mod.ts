// Exactly known traffic in network namespaces of its own: the truth that every other test compares with.

export { until } from '../../common/until.fake.ts'
export { closingCases } from './cases/closings.ts'
export { failureCases } from './cases/failures.ts'
export { type ServerMode, serverCase, serverCases } from './cases/servers.ts'
export { command } from './command.ts'
export type { Case, Connection } from './connection.ts'
export { type Lab, type Program, type Version, withNamespaces } from './lab.ts'
export { openPair, type Pair } from './pair.ts'
export type { Answer, Order, Peer } from './peer.ts'
export { parseSs, plainAddress, type SocketLine } from './ss.ts'
