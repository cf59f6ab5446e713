// One packet, or one source of packets, as a line: `weir log` has the keys of the XDP telemetry system (xdt), `weir trace`
// the two screens of xguard. Addresses are dotted, IPv6 is as RFC 5952 has it.

import type { xdp } from '../../agent/mod.ts'
import { formatAddress } from '../../wire/mod.ts'

type XdpEvent = Parameters<Parameters<xdp.XdpReader['drain']>[0]>[0]

/** AF_INET and AF_INET6, by the version of IP. */
const families: Readonly<Record<number, number>> = { 4: 2, 6: 10 }
const none = '-'

/** `timestamp` is nanoseconds since 1970, `len` the whole length of the frame; IPv6 adds two keys to the twelve. */
export function logLine(event: XdpEvent, bootToWallNs: bigint): string {
  const { family, source, destination } = event
  const [src, dst] = [formatAddress(source), formatAddress(destination)]
  const four = family === 4
  const words = [
    `timestamp=${event.timeNs + bootToWallNs}`,
    `ifindex=${event.ifindex}`,
    `queue=${event.queue}`,
    `len=${event.frameBytes}`,
    `action=${event.action}`,
    `label_id=${event.label}`,
    `addr_family=${families[family] ?? 0}`,
    `ip_proto=${event.protocol}`,
    `src_port=${event.sourcePort}`,
    `dst_port=${event.destinationPort}`,
    `src_ipv4=${four ? src : none}`,
    `dst_ipv4=${four ? dst : none}`,
    ...(family === 6 ? [`src_ipv6=${src}`, `dst_ipv6=${dst}`] : []),
  ]
  return words.join(' ')
}

/** Of the kernel's own trace: the flags are those of every XDP program, which runs in a soft interrupt. */
const traceFlags = '..s1.'

/**
 * As the kernel's trace pipe shows it: the task that the CPU had, its pid, the CPU, flags, seconds since the boot. Whose
 * packet it is does not follow from the task.
 */
export function kernelTraceLine(event: XdpEvent): string {
  const { task, cpu, timeNs, etherType, family, source, protocol } = event
  const name = task.pid === 0 ? '<idle>' : task.name
  const who = `${name.padStart(16)}-${String(task.pid).padEnd(7)} [${String(cpu).padStart(3, '0')}]`
  const seconds = String(timeNs / 1_000_000_000n).padStart(5)
  const micros = String((timeNs % 1_000_000_000n) / 1000n).padStart(6, '0')
  const from = family === 0 ? none : formatAddress(source)
  const what = `eth_type=0x${etherType.toString(16)} src_ip=${from} protocol=${protocol}`
  return `${who} ${traceFlags} ${seconds}.${micros}: bpf_trace_printk: Raw network packets: ${what}`
}

const etherTypes: Readonly<Record<number, string>> = { 2048: 'IPv4', 34525: 'IPv6' }
const protocols: Readonly<Record<number, string>> = { 1: 'ICMP', 6: 'TCP', 17: 'UDP', 58: 'ICMPv6' }

/** Undefined for what is not IP: it has no source address. Protocols that have no name here are numbers. */
export function hitLine({ etherType, source, protocol, hits }: xdp.Hit): string | undefined {
  const name = etherTypes[etherType]
  if (name === undefined) return undefined
  const what = protocols[protocol] ?? String(protocol)
  return `eth_type=${name}, src_ip=${formatAddress(source)}, protocol=${what}, hits=${hits}`
}
