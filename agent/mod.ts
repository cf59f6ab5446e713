// Stage 2: one process per node. Watches the kernel, makes rows, keeps them until central has them.

export * as xdp from '../kernel/mod.ts'
export {
  type DoctorReport,
  doctor,
  openReplay,
  type ProbeVerdict,
  type ProgramReport,
  type Replay,
} from '../kernel/mod.ts'
export { type Agent, type AgentHealth, createAgent } from './agent.ts'
export { captureLive, type LiveCaptureConfig, type LiveCaptureCounts } from './capture/live.ts'
export type { AgentConfig } from './config.ts'
export type { FailedProbe } from './drain/messages.ts'
export { agentErrors } from './errors.ts'
export type { ConnectionEventChoice } from './events/connection-events.ts'
export { type Pushed, pushDown, type Taken } from './filter/push-down.ts'
export { createLocalAgent, type LocalAgent, type LocalAgentConfig, type OnBatch } from './local.ts'
export { type PlayedCapture, playCapture } from './replay/capture.ts'
export type { CaptureFlow, CaptureFlows } from './replay/capture-flows.ts'
export { type CaptureRows, playCaptureRows } from './replay/capture-rows.ts'
export { createSidecar, type Sidecar, type SidecarConfig } from './sidecar.ts'
export type { SpoolLimits } from './spool/spool.ts'
export type { Upstream } from './stream/stream.ts'
export type { InterfaceReport } from './watch.ts'
