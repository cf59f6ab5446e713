// An answer holds its part of the memory until its client has taken it, and not longer than the client takes
// anything of it.

import type { FastifyInstance, FastifyReply } from 'fastify'
import type { Share } from './budget.ts'

const shares = new WeakMap<FastifyReply, Share>()

/** Releases `share` when the reply is over; cuts a client off that takes nothing for `stallMs`. */
export function holdUntilTaken(
  reply: FastifyReply,
  share: Share,
  stallMs: number,
  onStall: () => void,
): void {
  const { socket } = reply.raw
  shares.set(reply, share)
  let taken = -1
  const timer = setInterval(() => {
    const now = takenBytes(socket)
    if (now !== taken) {
      taken = now
      return
    }
    onStall()
    socket?.destroy()
  }, stallMs)
  timer.unref()
  reply.raw.once('close', () => {
    clearInterval(timer)
    share.release()
  })
}

/** From the hook on, an answer holds what it is, not what it might have been. */
export function holdWhatIsSent(app: FastifyInstance): void {
  app.addHook('onSend', async (_, reply, payload) => {
    const share = shares.get(reply)
    if (!share) return payload
    // A string would be kept beside its octets until all is written.
    const octets = typeof payload === 'string' ? Buffer.from(payload) : payload
    if (Buffer.isBuffer(octets)) share.resize(octets.length)
    return octets
  })
}

/** Octets that have left for the kernel: what was written less what still waits here. */
function takenBytes(socket: FastifyReply['raw']['socket']): number {
  return socket ? socket.bytesWritten - socket.writableLength : 0
}
