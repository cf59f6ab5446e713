// The closed sets of the field table: every value that a field of names can have, once. The agent writes them,
// a question that asks for another one is refused.

import { constants } from 'node:os'

/** TCP states by the kernel's number (include/net/tcp_states.h), in the words of ss; '' is unknown. `closed` is no number: the connection has ended. */
export const tcpStates: readonly string[] = [
  '',
  'established',
  'syn_sent',
  'syn_recv',
  'fin_wait1',
  'fin_wait2',
  'time_wait',
  'close',
  'close_wait',
  'last_ack',
  'listen',
  'closing',
  'new_syn_recv',
  'closed',
]

/** How the process of an end was found, by the number of enum owner_source; '' is not at all. */
export const processSources: readonly string[] = [
  '',
  'listener',
  'connect',
  'holder',
  'io',
  'close',
]

/** Why a connection ended; '' while it is open. */
export const endReasons = [
  '',
  'closed',
  'reset_by_src',
  'reset_by_dst',
  'timeout',
  'refused',
  'unreachable',
  'no_port',
  'abandoned',
  'unknown',
] as const

export type EndReason = (typeof endReasons)[number]

/** Whether this node sent a packet or received it; '' is not known. */
export const packetDirections: readonly string[] = ['', 'sent', 'received']

/** IANA protocol numbers that have a name here; any other is its number. */
const protocolsWithName: Readonly<Record<number, string>> = {
  1: 'icmp',
  2: 'igmp',
  4: 'ipip',
  6: 'tcp',
  17: 'udp',
  33: 'dccp',
  41: 'ipv6',
  47: 'gre',
  50: 'esp',
  51: 'ah',
  58: 'icmpv6',
  89: 'ospf',
  103: 'pim',
  112: 'vrrp',
  132: 'sctp',
  136: 'udplite',
}

/** Protocols of IP by number; 0 is '', for packets without one. */
export const ipProtocols: readonly string[] = Array.from({ length: 256 }, (_, number) =>
  number === 0 ? '' : (protocolsWithName[number] ?? String(number)),
)

/** What is no IP, by ethertype; any other is `non_ip`. */
export const etherProtocols: ReadonlyMap<number, string> = new Map([
  [0x0806, 'arp'],
  [0x8035, 'rarp'],
  [0x8863, 'pppoe'],
  [0x888e, 'eapol'],
  [0x88cc, 'lldp'],
  [0x88e5, 'macsec'],
  [0x88f7, 'ptp'],
])
/** Any ethertype that has no name here. */
export const otherProtocol = 'non_ip'

/** Every protocol of a flow row. */
export const protocolNames: readonly string[] = [
  ...ipProtocols,
  ...etherProtocols.values(),
  otherProtocol,
]

/** Stages of the loss ledger, in the order of the river; `agent` is the heartbeat, which is none. */
export const stages: readonly string[] = [
  'agent',
  'hook',
  'drain',
  'enrich',
  'spool',
  'wire',
  'intake',
  'ingest',
  'resolve',
  'segment',
  'store',
  'export',
]

/** What becomes of a BPF program on a node. */
export const programStates: readonly string[] = ['ready', 'off', 'failed']

/** errno → name; of several names for one number the first: EAGAIN, not EWOULDBLOCK. */
export const errnoNames: ReadonlyMap<number, string> = namesByNumber()

/** Names of errno(3) on Linux; '' is none. */
export const errnos: readonly string[] = ['', ...errnoNames.values()]

/** The name that rows have for an errno given as `111`, `EWOULDBLOCK` or `econnrefused`. */
export function errnoMeant(text: string): string | undefined {
  const number = Number(constants.errno[text.toUpperCase() as keyof typeof constants.errno] ?? text)
  return errnoNames.get(number)
}

function namesByNumber(): Map<number, string> {
  const names = new Map<number, string>()
  for (const [name, number] of Object.entries(constants.errno)) {
    if (!names.has(number)) names.set(number, name)
  }
  return names
}
