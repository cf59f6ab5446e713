// The only door to the kernel: probes are opened here, and nothing else of Weir speaks to bpf.

export {
  dropFlag,
  dropKind,
  dropRecordByte,
  dropRecordBytes,
  dropRecordWord,
} from './layout/drop-record.ts'
export {
  flowCounterNames,
  flowDirection,
  flowFlag,
  flowRecordByte,
  flowRecordBytes,
  flowRecordWord,
  packetFault,
} from './layout/flow-record.ts'
export {
  counterNames,
  ownerSource,
  socketFlag,
  socketKind,
  socketRecordByte,
  socketRecordBytes,
  socketRecordWord,
  socketRole,
  tcpState,
} from './layout/socket-record.ts'
export { bootToWallNs } from './loader/clock.ts'
export { kernelErrors } from './loader/errors.ts'
export { namesOf as symbolsOf } from './loader/kallsyms.ts'
export { kernelEnum } from './loader/kernel-enum.ts'
export { type NetworkNamespace, networkNamespaces } from './loader/namespace.ts'
export { releaseProgramPages } from './loader/program-pages.ts'
export { doctor } from './probes/doctor.ts'
export type { FlowSink } from './probes/flow/flow-sums.ts'
export { type CapturedPacket, openReplay, packetLink, type Replay } from './probes/flow/replay.ts'
export {
  type OpenedProbes,
  openProbes,
  type ProbeFailure,
  probeSpecs,
  programStates,
} from './probes/registry.ts'
export type { DoctorReport, ProbeVerdict, ProgramReport, ProgramState } from './probes/report.ts'
export type { CounterName, SocketProbe } from './probes/socket/probe.ts'
export type {
  CounterMeaning,
  Living,
  OpenProbe,
  ProbeOptions,
  ProbeSpec,
  RecordSink,
} from './probes/spec.ts'
