// Stage 6, its contract: all that the clients (web, cli) may know of the API.

export {
  type DropReasonsAnswer,
  type DropWords,
  dropReasonsAnswer,
  dropReasonsOf,
} from './drop-reasons.ts'
export {
  type Coverage,
  coverage,
  type EventsAnswer,
  eventsAnswer,
  type Gap,
  type LedgerAnswer,
  ledgerAnswer,
  type ProgramsAnswer,
  programsAnswer,
  type RowsAnswer,
  type RulesAnswer,
  rowsAnswer,
  rulesAnswer,
  type SeriesAnswer,
  type SeriesCoverage,
  seriesAnswer,
  type TopAnswer,
  topAnswer,
} from './envelope.ts'
export { type ErrorBody, errorBody } from './error-body.ts'
export {
  type EventGroupsAnswer,
  type EventStepsAnswer,
  eventGroupsAnswer,
  eventGroupsParameters,
  eventStepsAnswer,
  eventStepsParameters,
} from './event-groups.ts'
export { type ExportStatus, type ExportsAnswer, exportsAnswer } from './exports.ts'
export {
  type FieldInfo,
  type FieldsAnswer,
  fieldsAnswer,
  fieldsOf,
  type MetricInfo,
} from './fields.ts'
export {
  type FilterAnswer,
  type FilterCompletion,
  type FilterFault,
  filterAnswer,
  filterParameters,
} from './filter.ts'
export { type GraphAnswer, graphAnswer, graphNodesMax, graphParameters } from './graph.ts'
export {
  type Health,
  type HealthCheck,
  health,
  type NodeHealth,
  type ServerHealth,
} from './health.ts'
export { type MetricsJsonAnswer, metricsJsonAnswer } from './metrics-json.ts'
export {
  type MonitorEvent,
  type MonitorEvents,
  type MonitorList,
  type MonitorPrograms,
  type MonitorStats,
  type MonitorSummary,
  type MonitorSummaryQuestion,
  monitorEvents,
  monitorIngest,
  monitorList,
  monitorPrograms,
  monitorStats,
  monitorSummary,
  monitorSummaryQuestion,
} from './monitor.ts'
export {
  eventPartParameters,
  eventsParameters,
  exportFormats,
  flowPartParameters,
  flowsParameters,
  ledgerParameters,
  liveParameters,
  parameterNames,
  programsParameters,
  rulesParameters,
  seriesParameters,
  topParameters,
} from './parameters.ts'
export {
  eventRow,
  flowRow,
  groupRow,
  ledgerRow,
  metricsRow,
  programRow,
  ruleRow,
  stepRow,
} from './rows.ts'
