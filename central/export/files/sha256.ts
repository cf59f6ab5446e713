// The digest of a file, read in pieces into one buffer.

import { createHash } from 'node:crypto'
import { open } from 'node:fs/promises'

const pieceOctets = 256 * 1024

/** SHA-256 in hexadecimal, as sha256sum prints it. */
export async function sha256Of(path: string): Promise<string> {
  const sum = createHash('sha256')
  const piece = Buffer.allocUnsafeSlow(pieceOctets)
  const file = await open(path)
  try {
    for (;;) {
      const { bytesRead } = await file.read(piece, 0, pieceOctets, null)
      if (bytesRead === 0) return sum.digest('hex')
      sum.update(piece.subarray(0, bytesRead))
    }
  } finally {
    await file.close()
  }
}
