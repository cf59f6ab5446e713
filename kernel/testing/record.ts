// One record of the socket probe as an object, for tests; hot paths read its words in place.

import { setTimeout as pause } from 'node:timers/promises'
import { socketRecordByte as at, type SocketProbe, socketRecordBytes } from '../mod.ts'

export type SocketRecord = ReturnType<typeof readRecord>

export function readRecord(octets: Uint8Array, start: number) {
  const view = new DataView(octets.buffer, octets.byteOffset + start, socketRecordBytes)
  const u32 = (offset: number) => view.getUint32(offset, true)
  const u64 = (offset: number) => view.getBigUint64(offset, true)
  return {
    time_ns: u64(at.time_ns),
    start_ns: u64(at.start_ns),
    cookie: u64(at.cookie),
    cgroup_id: u64(at.cgroup_id),
    sent_bytes: Number(u64(at.sent_bytes)),
    received_bytes: Number(u64(at.received_bytes)),
    segs_out: u32(at.segs_out),
    segs_in: u32(at.segs_in),
    retransmits: u32(at.retransmits),
    srtt_us: u32(at.srtt_us),
    rtt_min_us: u32(at.rtt_min_us),
    initiator_seq: u32(at.initiator_seq),
    responder_seq: u32(at.responder_seq),
    netns: u32(at.netns),
    tgid: u32(at.tgid),
    uid: u32(at.uid),
    local_port: view.getUint16(at.local_port, true),
    remote_port: view.getUint16(at.remote_port, true),
    error: view.getUint16(at.error, true),
    kind: view.getUint8(at.kind),
    role: view.getUint8(at.role),
    state: view.getUint8(at.state),
    owner_source: view.getUint8(at.owner_source),
    flags: view.getUint8(at.flags),
    handshake_us: u32(at.handshake_us),
    local: hex(octets, start + at.local),
    remote: hex(octets, start + at.remote),
    comm: text(octets, start + at.comm),
    interface: text(octets, start + at.interface),
  }
}

export function readRecords(octets: Uint8Array): SocketRecord[] {
  return Array.from({ length: octets.length / socketRecordBytes }, (_, index) =>
    readRecord(octets, index * socketRecordBytes),
  )
}

/** Drains into `records` until `enough` says so; throws after the limit, with what there was. */
export async function drainUntil(
  probe: Pick<SocketProbe, 'drain'>,
  records: SocketRecord[],
  enough: (records: readonly SocketRecord[]) => boolean,
): Promise<void> {
  const end = Date.now() + 60_000
  for (;;) {
    probe.drain((_, octets, word) => records.push(readRecord(octets, word * 4)))
    if (enough(records)) return
    if (Date.now() > end) throw new Error(`not enough records: ${describe(records)}`)
    await pause(5)
  }
}

export interface Ports {
  readonly client_port: number
  readonly server_port: number
}

/** Both ends of a connection among the records. */
export function endsOf(records: readonly SocketRecord[], ports: Ports) {
  const { client_port: client, server_port: server } = ports
  const find = (local: number, remote: number) =>
    records.find((one) => one.local_port === local && one.remote_port === remote)
  return { client: find(client, server), server: find(server, client) }
}

function describe(records: readonly SocketRecord[]): string {
  const shown = records.slice(-4).map((one) => `${one.local_port}>${one.remote_port} ${one.state}`)
  return `${records.length}, last ${shown.join(', ')}`
}

function hex(octets: Uint8Array, start: number): string {
  return Buffer.from(octets.subarray(start, start + 16)).toString('hex')
}

function text(octets: Uint8Array, start: number): string {
  const bytes = octets.subarray(start, start + 16)
  return Buffer.from(bytes.subarray(0, bytes.indexOf(0) < 0 ? 16 : bytes.indexOf(0))).toString()
}
