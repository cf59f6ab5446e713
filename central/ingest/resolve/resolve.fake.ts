// Lets every segment pass as it is.

import type { Resolve } from './resolve.ts'

export const fakeResolve: Resolve = {
  parts: async (parts) => ({
    blocks: parts.map(({ view }) => view),
    completed: new Map(),
    late: new Map(),
  }),
}
