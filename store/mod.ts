// Stage 5: the store. Segments go in, SQL answers come out.

export { storeErrors } from './errors.ts'
export { type FileTarget, type FileWriter, fileSql } from './file-writer.ts'
export { type ExplainedSql, explainSql } from './query/explain-sql.ts'
export type { Reader, ReadOptions, SqlParams, SqlValue, StoredRow, StoredValue } from './reader.ts'
export type { RetentionConfig } from './schema/retention.ts'
export { addColumnsSql, createTableSql, type Dialect, embedded } from './schema/table-sql.ts'
export { createSharedReads } from './shared-reads.ts'
export { createStore, type Store, type StoreConfig } from './store.ts'
export { segmentRowsMax } from './write/segment-insert.ts'
