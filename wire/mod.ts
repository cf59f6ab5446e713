// Stage 3: the contract. What a row is, how it travels.

export { wireError, wireErrors } from './errors.ts'
export { type AgentFilter, parseAgentFilter } from './filter/agent-filter.ts'
export { type FilterContext, namesOf, parseFilter } from './filter/check.ts'
export { type Completion, completeFilter } from './filter/complete.ts'
export { equality } from './filter/equality.ts'
export {
  allOf,
  type Comparison,
  conditionsOf,
  everything,
  type Filter,
  fieldsIn,
  isAddressRange,
  type OrderOperator,
  type Test,
  type Value,
} from './filter/filter.ts'
export { formatFilter } from './filter/format.ts'
export { type RowTest, rowTest } from './filter/predicate.ts'
export { parseQuantity } from './filter/quantity.ts'
export {
  type BlockCheck,
  type BlockClaim,
  type BlockView,
  createBlockCheck,
  createBlocksReader,
} from './frame/block-check.ts'
export { type BlockEncoder, createBlockEncoder } from './frame/block-encode.ts'
export { readBlock } from './frame/block-read.ts'
export { type Replaced, rewriteBlock } from './frame/block-rewrite.ts'
export { shiftTimes } from './frame/block-shift.ts'
export { columnType } from './frame/column-type.ts'
export {
  encodeFrame,
  type FrameCodec,
  type FrameFields,
  type FrameHeader,
  frameHeaderLength,
  frameLimits,
  readFrameBlock,
  readFrameHeader,
} from './frame/frame.ts'
export {
  createMessageDecoder,
  encodeAck,
  encodeClock,
  encodeJsonMessage,
  encodeMessage,
  type Hello,
  type Message,
  type MessageDecoder,
  type MessageDecoderOptions,
  type MessageType,
  messageLengthMax,
  type Refusal,
  readAck,
  readClock,
  readJsonBody,
  streamPreface,
  type Welcome,
} from './frame/message.ts'
export {
  type BatchRows,
  type ChunkOptions,
  type JsonChunk,
  jsonChunks,
  rowsIn,
} from './json/json-rows.ts'
export { createTextWriter, type TextWriter } from './json/text-writer.ts'
export {
  type AddressRange,
  formatAddress,
  parseAddress,
  parseAddressRange,
} from './model/address.ts'
export { appendRow, type RowValue, type RowValues } from './model/append.ts'
export {
  type CauseOf,
  isCauseOf,
  type LedgerCause,
  type LedgerStage,
  ledgerCauses,
} from './model/causes.ts'
export {
  type EndReason,
  endReasons,
  errnoNames,
  etherProtocols,
  ipProtocols,
  otherProtocol,
  packetDirections,
  processSources,
  stages,
  tcpStates,
} from './model/closed-values.ts'
export {
  type Batch,
  type Column,
  clearBatch,
  createBatch,
  grown,
  type Heap,
  pickRows,
} from './model/columns.ts'
export { derivedValues } from './model/community-id.ts'
export { byDay, type TimeRange, timeRange } from './model/days.ts'
export type { DropReason } from './model/drop-reason.ts'
export { dropReasons } from './model/drop-reasons.ts'
export type { Side } from './model/end-fields.ts'
export { type EndPair, endPairsOf, twinsOf } from './model/ends.ts'
export {
  type EventField,
  eventDirections,
  eventPhases,
  eventResults,
  eventTable,
} from './model/event-fields.ts'
export {
  commonFields,
  type EventKind,
  type EventKindName,
  eventKindNamed,
  eventKinds,
  kindsOfField,
} from './model/event-kinds.ts'
export { labelNames, labelOf, labelsDefault, serverPort } from './model/exported-labels.ts'
export {
  type ExportedMetric,
  type ExportedPart,
  exportedMetrics,
  type MetricDialect,
  metricDialects,
  metricsOfDialect,
  sidecarMetrics,
} from './model/exported-metrics.ts'
export {
  type DerivedField,
  type Field,
  type FieldKind,
  fieldsOf,
  isGroupable,
  type Table,
  type TableOf,
  type Unit,
} from './model/field.ts'
export { type ValueFault, valueFault } from './model/field-value.ts'
export { type FlowField, flowTable } from './model/flow-fields.ts'
export {
  countedRows,
  flowMetrics,
  inOneView,
  isOfEachInterface,
  type Metric,
  type MetricOp,
  metricNamed,
  unmeasuredHint,
  unmeasuredProtocol,
} from './model/flow-metrics.ts'
export { createInterner, type Interner } from './model/interner.ts'
export { ledgerTable } from './model/ledger-fields.ts'
export { createTally, joinTally, type Tally, tallied, tallyOf } from './model/metric-tally.ts'
export { fieldsByName, groupNames, type NamedFields } from './model/names.ts'
export { probesAsked, probesOfView } from './model/probes-asked.ts'
export { programTable } from './model/program-fields.ts'
export { type JsonValue, type Row, rowOf } from './model/row.ts'
export { ruleTable } from './model/rule-fields.ts'
export { sipHash24 } from './model/siphash.ts'
export { schemaNumbers, tableNamed, tableNumbered, tables } from './model/tables.ts'
export { createSeriesSet, type SeriesConfig, type SeriesSet } from './series/series-set.ts'
