// What can go wrong between an agent and the store, and at central's start.

import { errorsOf } from '../common/mod.ts'

/** Codes of central: the causes in REFUSE and in the ledger, and what keeps it from starting. */
export const centralErrors = {
  hello_bad: {
    message: 'the HELLO is not right: {what}',
    status: 400,
    exitCode: 1,
    remedy: 'Run the same version of Weir on both sides.',
  },
  hello_late: {
    message: 'no HELLO came within {seconds} s',
    status: 408,
    exitCode: 1,
    remedy: 'Point only Weir agents at this address.',
  },
  unexpected_message: {
    message: 'a message of type {type} may not come now',
    status: 400,
    exitCode: 1,
    remedy: 'Run the same version of Weir on both sides.',
  },
  too_many_frames: {
    message: 'more than {credits} frames were sent without an acknowledgement',
    status: 429,
    exitCode: 1,
    remedy: 'Run the same version of Weir on both sides.',
  },
  frame_of_another: {
    message: 'the frame is of another agent than its connection',
    status: 400,
    exitCode: 1,
    remedy: 'Give every agent a data folder of its own.',
  },
  schema_unknown: {
    message: 'schema {schema} of {table} is not known here, only {known}',
    status: 400,
    exitCode: 1,
    remedy: 'Update central first, then the agents.',
  },
  time_out_of_range: {
    message: 'the rows are from {time}, outside the last 7 days and the next hour',
    status: 400,
    exitCode: 1,
    remedy: 'Set the clock of the node (for example with chrony).',
  },
  telemetry_bad: {
    message: 'the frame of an XDP telemetry agent is not right: {what}',
    status: 400,
    exitCode: 1,
    remedy: 'Point only xdt-agent and Weir agents at this address.',
  },
  telemetry_refused: {
    message: 'frames of XDP telemetry are not taken from {address}: {why}',
    status: 403,
    exitCode: 1,
    remedy: 'Name the address with --telemetry-allow.',
  },
  agent_twice: {
    message: 'the same agent opened another connection',
    status: 409,
    exitCode: 1,
    remedy: 'Give every agent a data folder of its own.',
  },
  node_taken: {
    message: 'the node name {node} belongs to another agent ({owner})',
    status: 409,
    exitCode: 75,
    remedy: 'Stop one of the two agents, or give one another name with --node.',
  },
  stopping: {
    message: 'central is stopping',
    status: 503,
    exitCode: 1,
    remedy: 'Connect again in a moment.',
  },
  address_taken: {
    message: '{address} is taken by another program',
    status: 503,
    exitCode: 69,
    remedy: 'Stop that program, or listen elsewhere with --ingest.',
  },
  data_folder_unwritable: {
    message: 'the data folder {folder} cannot be written: {reason}',
    status: 503,
    exitCode: 73,
    remedy: 'Make it writable for this user, or give another folder with --data.',
  },
  data_folder_lost: {
    message: 'the data folder {folder} is lost: {reason}',
    status: 503,
    exitCode: 74,
    remedy: 'Started again, Weir begins a new one there; what it held is where the old one is.',
  },
  data_folder_in_use: {
    message: 'the data folder {folder} is in use{owner}',
    status: 503,
    exitCode: 75,
    remedy: 'Stop that process, or give another folder with --data.',
  },
} as const

export const centralError = errorsOf(centralErrors)
