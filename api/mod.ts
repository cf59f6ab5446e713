// Stage 6: HTTP. Questions come in, rows with their coverage go out; the page is served beside them.

export { type AppConfig, type AppDeps, createApp } from './app.ts'
export type { ExportStatus, Health, HealthCheck, ServerHealth } from './contract/mod.ts'
export { apiErrors } from './errors.ts'
export { createHttp, type Http, type HttpConfig } from './http.ts'
