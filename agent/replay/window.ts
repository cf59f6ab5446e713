// The part of a capture file that is in memory: octets are read into it, and what was read moves to its begin before more comes.

import type { OctetSource } from './octets.ts'

export interface CaptureWindow {
  readonly view: DataView
  /** Where the next record begins, and where what is in memory ends. */
  readonly from: () => number
  readonly end: () => number
  readonly holds: (length: number) => boolean
  /** Whether a record of so many octets, of unknown length when 0, could be here wholly after a refill. */
  readonly canHold: (length: number) => boolean
  /** Moves what is left to the begin and fills up; false if nothing came. */
  readonly refill: () => Promise<boolean>
  /** Goes on behind the record, also if it is larger than the window; false at the end of the file. */
  readonly skip: (count: number) => boolean | Promise<boolean>
}

/** `beforeMove` is called while everything still lies where it was. */
export function createCaptureWindow(
  octets: OctetSource,
  window: Uint8Array,
  beforeMove: () => void,
): CaptureWindow {
  let [from, end] = [0, 0]

  async function refill(): Promise<boolean> {
    beforeMove()
    window.copyWithin(0, from, end)
    end -= from
    from = 0
    const before = end
    for (let got = 1; got > 0 && end < window.length; end += got) {
      got = await octets.read(window, end)
    }
    return end > before
  }

  async function skipBeyond(count: number): Promise<boolean> {
    let missing = from + count - end
    from = end
    while (missing > 0) {
      if (!(await refill())) return false
      from = Math.min(missing, end)
      missing -= from
    }
    return true
  }

  return {
    view: new DataView(window.buffer, window.byteOffset, window.byteLength),
    from: () => from,
    end: () => end,
    holds: (length) => length > 0 && from + length <= end,
    canHold: (length) => length <= window.length && (from > 0 || end < window.length),
    refill,
    skip: (count) => {
      if (from + count > end) return skipBeyond(count)
      from += count
      return true
    },
  }
}
