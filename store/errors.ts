// What can go wrong in the store, and what a person can do about it.

import { errorsOf } from '../common/mod.ts'

/** Codes of the store. */
export const storeErrors = {
  store_away: {
    message: 'the storage engine is not answering: {reason}',
    status: 503,
    exitCode: 1,
    remedy: 'It is being restarted; ask again in a moment. See the log if this lasts.',
  },
  store_not_started: {
    message: 'starting the storage engine in {folder}: {reason}',
    status: 503,
    exitCode: 1,
    remedy: 'Check that the folder is on a local disk and that the chdb package is installed.',
  },
  data_folder_in_use: {
    message: 'the data folder {folder} is in use by another process{owner}',
    status: 503,
    exitCode: 75,
    remedy: 'Stop that process, or give another folder with --data.',
  },
  query_too_slow: {
    message: 'the query took longer than {seconds} s',
    status: 504,
    exitCode: 1,
    remedy: 'Ask for a shorter time range, or fewer groups.',
  },
  query_too_large: {
    message: 'the query needs more than it may have: {reason}',
    status: 413,
    exitCode: 1,
    remedy: 'Ask for a shorter time range, fewer groups, or a smaller limit.',
  },
  query_cancelled: {
    message: 'the query was cancelled',
    status: 499,
    exitCode: 1,
    remedy: 'Ask again.',
  },
  query_wrong: {
    message: 'the storage engine refused the query: {reason}',
    status: 500,
    exitCode: 1,
    remedy: 'This is a fault in Weir: please report it with the log lines around it.',
  },
  insert_refused: {
    message: 'the storage engine refused the rows of {file}: {reason}',
    status: 500,
    exitCode: 1,
    remedy:
      'The rows that it does not take are kept in the quarantine folder of the data folder, all others are stored: please report it.',
  },
  insert_later: {
    message: 'inserting {file} did not work yet: {reason}',
    status: 503,
    exitCode: 1,
    remedy: 'It is tried again; nothing acknowledged is lost.',
  },
  disk_full: {
    message: 'no space for new rows in the data folder: {reason}',
    status: 507,
    exitCode: 1,
    remedy: 'Free some space, or keep less (retention); nothing acknowledged is lost meanwhile.',
  },
} as const

export const storeError = errorsOf(storeErrors)
