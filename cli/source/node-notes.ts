// What a central says is wrong with its nodes, below a listing: a clock that is off or a host that is measured
// twice change how the rows above are to be read.

import type { Health } from '../../api/contract/mod.ts'
import { note, type Terminal } from '../commands/command.ts'
import { escaped } from '../render/escape.ts'
import type { Server } from './server.ts'

const notesMax = 5

/** One line each on standard error. A central that fails its health check is no news here: it has just answered. */
export async function noteNodes(server: Server, terminal: Terminal): Promise<void> {
  const health = await server.ask<Partial<Health>>('/health', []).catch(() => undefined)
  const messages = (health?.nodes ?? []).map(({ message }) => message).filter(Boolean)
  for (const message of messages.slice(0, notesMax)) {
    const line = escaped(message)
    note(terminal, terminal.color ? `\x1b[33m${line}\x1b[0m` : line)
  }
  if (messages.length > notesMax) {
    note(terminal, `${messages.length - notesMax} more nodes like that: ${server.url}/health`)
  }
}
