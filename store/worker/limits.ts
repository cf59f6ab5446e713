// What the embedded engine may use. Its own defaults are 90 % of the machine and 5 GB per cache, so every
// bound is set, and at the opening: settings given later would come after the data folder is loaded.

const mib = 1024 * 1024

export const workerLimits = {
  /** Statements that run at once; the rest waits, and beyond `waiting` is turned away. */
  queries: 4,
  inserts: 1,
  waiting: 64,
  /** Threads of the libuv pool: one per running statement, one that cancels, four for files. */
  poolThreads: 10,
  statementBytesMax: mib,
} as const

/** Arguments of the engine, in the form of clickhouse-local's command line. */
export const engineArguments: readonly string[] = [
  '--max_server_memory_usage=2000000000',
  `--mark_cache_size=${128 * mib}`,
  `--index_mark_cache_size=${32 * mib}`,
  `--primary_index_cache_size=${64 * mib}`,
  `--query_condition_cache_size=${32 * mib}`,
  `--vector_similarity_index_cache_size=${mib}`,
  '--max_memory_usage=1000000000',
  // Its default gives a thread only to each free GiB, below our limit of two: one thread for every question.
  '--max_threads_min_free_memory_per_thread=0',
  '--max_temporary_data_on_disk_size_for_query=8000000000',
  '--memory_worker_period_ms=1000',
  '--max_bytes_before_external_group_by=500000000',
  '--max_bytes_before_external_sort=500000000',
  '--max_execution_time=30',
  '--max_result_rows=1000000',
  `--max_result_bytes=${256 * mib}`,
  '--output_format_json_quote_64bit_integers=0',
]
