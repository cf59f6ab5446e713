// Stage 3: the contract. What a row is, how it travels.

export { wireError, wireErrors } from './errors.ts'
export { type BlockCheck, type BlockClaim, createBlockCheck } from './frame/block-check.ts'
export { type BlockEncoder, createBlockEncoder } from './frame/block-encode.ts'
export { columnType } from './frame/column-type.ts'
export {
  encodeFrame,
  type FrameCodec,
  type FrameFields,
  type FrameHeader,
  type FrameKind,
  frameHeaderLength,
  frameLimits,
  readFrameBlock,
  readFrameHeader,
} from './frame/frame.ts'
export {
  createMessageDecoder,
  encodeAck,
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
  readJsonBody,
  streamPreface,
  type Welcome,
} from './frame/message.ts'
export { formatAddress, parseAddress } from './model/address.ts'
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
  processSources,
  stages,
  tcpStates,
} from './model/closed-values.ts'
export { type Batch, type Column, createBatch, grown } from './model/columns.ts'
export type { DerivedField, Field, FieldKind, Table, Unit } from './model/field.ts'
export { type ValueFault, valueFault } from './model/field-value.ts'
export { flowTable } from './model/flow-fields.ts'
export { flowMetrics, type Metric } from './model/flow-metrics.ts'
export { createInterner, type Interner } from './model/interner.ts'
export { ledgerTable } from './model/ledger-fields.ts'
export { type JsonValue, type Row, rowOf } from './model/row.ts'
