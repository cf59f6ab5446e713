// The only door to the kernel: probes are opened here, and nothing else of Weir speaks to bpf.

export type { DoctorReport, ProbeVerdict, ProgramReport } from './probes/report.ts'
export {
  type CounterName,
  counterNames,
  type RecordSink,
  type SocketProbe,
  type SocketProbeOptions,
} from './probes/socket/probe.ts'
