// Stage 2: one process per node. Watches the kernel, makes rows, keeps them until central has them.

export { type DoctorReport, doctor, type ProbeVerdict, type ProgramReport } from '../kernel/mod.ts'
export { type Agent, type AgentConfig, type AgentHealth, createAgent } from './agent.ts'
export { agentErrors } from './errors.ts'
export { createLocalAgent, type LocalAgent, type LocalAgentConfig, type OnBatch } from './local.ts'
export type { SpoolLimits } from './spool/spool.ts'
export type { Upstream } from './stream/stream.ts'
