// What can go wrong between the journal and a receiver.

import { errorsOf } from '../../common/mod.ts'

/** Codes of exports: what is wrong with one, and why a receiver has no rows. */
export const exportErrors = {
  export_wrong: {
    message: 'the export {name} is not right: {what}',
    status: 500,
    exitCode: 64,
    remedy: 'Correct it in the configuration file; weir config check FILE says every mistake.',
  },
  export_refused: {
    message: 'the receiver refuses these rows for good: {what}',
    status: 502,
    exitCode: 1,
    remedy: 'Look at the receiver; the rows are counted as lost in the stage export.',
  },
  export_away: {
    message: 'the receiver does not take rows: {what}',
    status: 503,
    exitCode: 69,
    remedy: 'Start the receiver; what it has missed waits for it.',
  },
} as const

export const exportError = errorsOf(exportErrors)
