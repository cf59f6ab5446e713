// What the two formats of capture files have in common: a reader goes from record to record and says what it met.

/** The record that a reader stands on. */
export interface CaptureRecord {
  /** False for what is no packet: the reader goes on. */
  isPacket: boolean
  /** Where the packet's octets begin, how many were captured, and how many it had. */
  offset: number
  held: number
  length: number
  /** LINKTYPE of its interface. */
  linkType: number
  /** Number of the interface in the file. */
  interface: number
  seconds: number
  nanoseconds: number
}

export interface CaptureReader {
  /**
   * Reads the record at `from` into `record`, and returns how many octets it has, perhaps more than there are. 0: its
   * header is not wholly there; -1: this is no record, nothing after it can be read.
   */
  next(view: DataView, from: number, end: number, record: CaptureRecord): number
}

export function emptyRecord(): CaptureRecord {
  const none = { offset: 0, held: 0, length: 0, linkType: 0, interface: 0 }
  return { isPacket: false, ...none, seconds: 0, nanoseconds: 0 }
}

/** A record may claim so much; more is a damaged file. */
export const recordBytesMax = 1 << 28
