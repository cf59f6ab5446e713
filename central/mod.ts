// Stage 4: central. Frames of agents go in, acknowledged when they would survive a power loss.

export { explainSql } from '../store/mod.ts'
export { type Central, type CentralConfig, createCentral } from './central.ts'
export { centralErrors } from './errors.ts'
export { checkExports } from './export/check.ts'
export type { ExportConfig } from './export/config.ts'
export { exportErrors } from './export/errors.ts'
export { type ImportedRows, importRows, type TakeBatch } from './import/import-rows.ts'
export type { IngestAddress } from './ingest/ingest.ts'
export type { IntakeConfig } from './intake/config.ts'
export { type ReceiveBuffer, receiveBuffer, receiveRemedy } from './intake/flows/receive-buffer.ts'
