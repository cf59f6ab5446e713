// What was told of open connections, on disk beside the spool: DATA/checkpoint-SEQUENCE belongs to the frame of
// that sequence. It is written whole before the frame is committed, so whatever instant the process dies, the
// newest checkpoint at or below the last committed frame says exactly what the frames say.
//
//   0 "WCKP"  4 crc32 of the rest  8 boot id (16)  24 entries (restored.ts)

import { closeSync, openSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'

export interface Checkpoints {
  /**
   * Entries of the newest usable checkpoint up to the last committed sequence; all others are deleted.
   * Undefined when there is none of this boot.
   */
  load(lastSequence: number): Uint32Array | undefined
  write(sequence: number, entries: Uint32Array): void
  /** After the commit of a frame: older checkpoints go. */
  prune(sequence: number): void
  /** When a frame could not be committed: no checkpoint may contradict what was sent. */
  clear(): void
}

const magic = Buffer.from('WCKP')
const headerLength = 24

export function createCheckpoints(folder: string, boot: string): Checkpoints {
  const bootOctets = Buffer.from(boot.replaceAll('-', ''), 'hex')

  function load(lastSequence: number): Uint32Array | undefined {
    let found: Uint32Array | undefined
    for (const [sequence, name] of list().toReversed()) {
      const file = join(folder, name)
      if (!found && sequence <= lastSequence) found = read(file)
      else rmSync(file, { force: true })
    }
    return found
  }

  function read(file: string): Uint32Array | undefined {
    const octets = readFileSync(file)
    const whole =
      octets.length >= headerLength &&
      octets.subarray(0, 4).equals(magic) &&
      octets.readUInt32LE(4) === crc32(octets.subarray(8)) &&
      octets.subarray(8, headerLength).equals(bootOctets)
    return whole
      ? new Uint32Array(Uint8Array.from(octets.subarray(headerLength)).buffer)
      : undefined
  }

  function write(sequence: number, entries: Uint32Array): void {
    const body = Buffer.from(entries.buffer, entries.byteOffset, entries.byteLength)
    const head = Buffer.concat([magic, Buffer.alloc(4), bootOctets])
    head.writeUInt32LE(crc32(body, crc32(bootOctets)), 4)
    const file = openSync(join(folder, `checkpoint-${sequence}`), 'w', 0o600)
    try {
      writeFileSync(file, head)
      writeFileSync(file, body)
    } finally {
      closeSync(file)
    }
  }

  function remove(below: number): void {
    for (const [sequence, name] of list()) {
      if (sequence < below) rmSync(join(folder, name), { force: true })
    }
  }

  /** Sorted by sequence. */
  function list(): [number, string][] {
    const all: [number, string][] = []
    for (const name of readdirSync(folder)) {
      const found = /^checkpoint-(\d+)$/.exec(name)
      if (found) all.push([Number(found[1]), name])
    }
    return all.toSorted(([a], [b]) => a - b)
  }

  return { load, write, prune: remove, clear: () => remove(Number.POSITIVE_INFINITY) }
}
