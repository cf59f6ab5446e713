// What a central says is wrong with its nodes, below a listing: a clock that is off or a host that is measured
// twice change how the rows above are to be read.

import type { Health, ProgramsAnswer } from '../../api/contract/mod.ts'
import { note, type Terminal } from '../commands/command.ts'
import { escaped } from '../render/escape.ts'
import type { Question, Server } from './server.ts'

const notesMax = 5

/** Probes that are not on everywhere. */
export type SeeingProbe = keyof typeof blindness

/** No row is good news only where somebody would have made one: says so when no node ran the probe. */
export async function noteBlind(
  server: Server,
  range: Question,
  terminal: Terminal,
  probe: SeeingProbe,
): Promise<void> {
  const { rows } = await server.ask<ProgramsAnswer>('/api/programs', [...range, ['probe', probe]])
  if (!rows.some((row) => row['state'] === 'ready')) note(terminal, blindness[probe])
}

const blindness = {
  drop: 'no node ran the probe drop in this time: weir programs --probe drop',
  flow: 'no interface was watched in this time: weir up --interface eth0',
  xdp: 'no agent reported packets in this time: weir up --xdp eth0',
}

/** Whether the question is about what interfaces carried. */
export function isAboutInterfaces(question: Question): boolean {
  return question.some(([name, value]) => name === 'view' && value === 'interface')
}

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
