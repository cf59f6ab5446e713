// Stage 5: the store. Segments go in, SQL answers come out.

export { storeErrors } from './errors.ts'
export type { Reader, ReadOptions, SqlParams, SqlValue, StoredRow, StoredValue } from './reader.ts'
