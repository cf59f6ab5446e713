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
  bad_filter: {
    message: 'the filter is wrong at character {position}: {what}',
    status: 400,
    exitCode: 64,
    remedy: 'Compare a field with a value: dst_port = 443 and rtt > 5ms.',
  },
  not_here: {
    message: '{name} is computed by the store alone: it cannot be filtered by here',
    status: 400,
    exitCode: 64,
    remedy: 'Ask a server, without --local.',
  },
} as const

/** Makes an error of the wire; `details.what` says which octets were wrong. */
export const wireError = errorsOf(wireErrors)
