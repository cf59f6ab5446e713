// What /api/drop-reasons says: the kernel's reasons for drops in plain words, so that clients have no copy of them.

import { type Static, Type } from 'typebox'
import { dropReasons } from '../../wire/mod.ts'

const text = (description: string) => Type.String({ description })

const reasonWords = Type.Object({
  reason: text("The kernel's name, as in the field `reason`."),
  title: text('What it is called.'),
  meaning: text('What happened.'),
  query: text('A question to Weir: a command.'),
  kind: text('The kind of events that the question is about.'),
  filter: text('The filter of the question; empty for none.'),
  command: text('A command that says more.'),
  change: text('What to change.'),
})

export const dropReasonsAnswer = Type.Object(
  { rows: Type.Array(reasonWords) },
  { title: 'DropReasons' },
)

export type DropWords = Static<typeof reasonWords>
export type DropReasonsAnswer = Static<typeof dropReasonsAnswer>

/** The answer of /api/drop-reasons. */
export function dropReasonsOf(): DropReasonsAnswer {
  const rows = Object.entries(dropReasons).map(([reason, { title, meaning, next }]) => {
    const [query, command, change] = next
    const [, kind = 'drop'] = /--kind (\S+)/.exec(query) ?? []
    const [, filter = ''] = /'([^']*)'/.exec(query) ?? []
    return { reason, title, meaning, query, kind, filter, command, change }
  })
  return { rows }
}
