// Files of libpcap (draft-ietf-opsawg-pcap): a header that says octet order, unit of time and link, then records.
//
//   file    u32 magic | u16 major | u16 minor | u32 × 2 | u32 snap length | u32 link type (low 16 bits)
//   record  u32 seconds | u32 micro- or nanoseconds | u32 captured | u32 length | octets

import { type CaptureReader, recordBytesMax } from './format.ts'

const headerBytes = 24

interface Variant {
  /** Octets of a record's header. */
  readonly record: number
  /** Nanoseconds of the record's unit. */
  readonly unitNs: number
}

/** The last one has 8 octets more (Kuznetzov's patch to libpcap): interface index, protocol, kind. */
const variants = new Map<number, Variant>([
  [0xa1b2c3d4, { record: 16, unitNs: 1000 }],
  [0xa1b23c4d, { record: 16, unitNs: 1 }],
  [0xa1b2cd34, { record: 24, unitNs: 1000 }],
])

/** Undefined if the file is of another format. `headerBytes` are consumed. */
export function openPcap(
  view: DataView,
  end: number,
): { readonly reader: CaptureReader; readonly headerBytes: number } | undefined {
  if (end < headerBytes) return undefined
  const little = variants.has(view.getUint32(0, true))
  const variant = variants.get(view.getUint32(0, little))
  if (variant === undefined) return undefined
  const linkType = view.getUint32(20, little) & 0xffff
  return { reader: readerOf(variant, linkType, little), headerBytes }
}

function readerOf({ record: header, unitNs }: Variant, linkType: number, little: boolean) {
  const reader: CaptureReader = {
    next: (view, from, end, record) => {
      if (from + header > end) return 0
      const held = view.getUint32(from + 8, little)
      if (held > recordBytesMax) return -1
      record.isPacket = true
      record.seconds = view.getUint32(from, little)
      record.nanoseconds = view.getUint32(from + 4, little) * unitNs
      record.offset = from + header
      record.held = held
      record.length = view.getUint32(from + 12, little)
      record.linkType = linkType
      record.interface = 0
      return header + held
    },
  }
  return reader
}
