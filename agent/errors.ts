// What an agent can fail with.

import { errorsOf } from '../common/mod.ts'

/** What can go wrong in an agent, with the way out of it. */
export const agentErrors = {
  data_not_writable: {
    message: 'the data folder {path} is not writable: {why}',
    status: 500,
    exitCode: 73,
    remedy: 'Give another folder with --data, or make this one writable.',
  },
  data_in_use: {
    message: 'the data folder {path} is in use by process {pid}',
    status: 500,
    exitCode: 75,
    remedy: 'Stop the other agent, or give another folder with --data.',
  },
  data_lost: {
    message: 'the data folder {path} is lost: {why}',
    status: 500,
    exitCode: 74,
    remedy: 'Started again, Weir begins a new one there; what it held is where the old one is.',
  },
  node_taken: {
    message: 'central refuses this agent: {why}',
    status: 409,
    exitCode: 75,
    remedy: 'Stop one of the two agents, or give one another name with --node.',
  },
  metrics_port_taken: {
    message:
      'listening on {host}:{port} for /metrics: the port is taken or the address is not of this host',
    status: 500,
    exitCode: 75,
    remedy: 'Give another port with --metrics-port, or 0 for any free one.',
  },
  drain_died: {
    message: 'the thread that reads the kernel ended: {why}',
    status: 500,
    exitCode: 70,
    remedy: 'Run weir doctor; the log of the agent says more.',
  },
  capture_unreadable: {
    message: 'the capture {file} cannot be read: {reason}',
    status: 400,
    exitCode: 66,
    remedy: 'Name a file that this user may read; gzip and zstd are unpacked.',
  },
  capture_unwritable: {
    message: 'the capture {file} cannot be written: {reason}',
    status: 500,
    exitCode: 73,
    remedy: 'Name a file in a folder where this user may write, on a disk with room.',
  },
  capture_unknown: {
    message: '{file} is no capture: neither pcap nor pcapng',
    status: 400,
    exitCode: 65,
    remedy: 'Write one with tcpdump -w FILE, dumpcap or weir capture.',
  },
} as const

/** Makes an error of the agent. */
export const agentError = errorsOf(agentErrors)
