// What can be wrong with octets from the other side: each code names one kind of damage.

import { errorsOf } from '../common/mod.ts'

/** What a frame or a stream can be refused for. */
export const wireErrors = {
  bad_preface: {
    message: 'the connection does not begin with WEIR',
    status: 400,
    exitCode: 1,
    remedy: 'Point only Weir agents at this address.',
  },
  bad_message: {
    message: 'the message is not one of the stream: {what}',
    status: 400,
    exitCode: 1,
    remedy: 'Run the same version of Weir on both sides.',
  },
  bad_frame: {
    message: 'the frame is damaged: {what}',
    status: 400,
    exitCode: 1,
    remedy: 'The frame is set aside; if it happens again, check memory and disk of the sender.',
  },
} as const

/** Makes an error of the wire; `details.what` says which octets were wrong. */
export const wireError = errorsOf(wireErrors)
