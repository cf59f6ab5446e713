// what the worker reports to its parent over the IPC channel.

export type WorkerNews =
  | { readonly state: 'ready' }
  /** `code` is ClickHouse's (76 = another process has the folder) or 0. */
  | { readonly state: 'failed'; readonly code: number; readonly reason: string }
