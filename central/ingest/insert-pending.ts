// Inserts what an older version left on disk, before its tables are rewritten: a segment that is in the store
// already, though its file is still here, is known only by a token of the old table.

import { AppError } from '../../common/mod.ts'
import type { Store } from '../../store/mod.ts'
import { createSegmentFolder } from './segment-folder.ts'
import { openSplit } from './segment-split.ts'

/**
 * Segments that the engine refuses stay: the ingest sets their rows aside. One that it refused before is in the store in
 * part: the rest is inserted, and the ingest counts what of it was set aside. Other errors end it; nothing is lost.
 */
export async function insertPending(
  dataDir: string,
  insert: Store['insertSegment'],
): Promise<void> {
  const folder = createSegmentFolder(dataDir)
  const { pending } = await folder.open()
  for (const segment of pending) {
    const { id, table, schema = 1, ranges } = segment
    if (ranges) {
      const split = await openSplit(segment, { store: { insertSegment: insert }, folder })
      while (await split.next());
      continue
    }
    try {
      await insert(folder.path(id), table, id, schema)
      await folder.discard(segment)
    } catch (error) {
      if (!(error instanceof AppError) || error.code !== 'insert_refused') throw error
    }
  }
}
