// The shapes of the API's answers that the page reads: its contract, types only.

import type { RowsAnswer } from '../../api/contract/mod.ts'

export type {
  Coverage,
  DropReasonsAnswer,
  DropWords,
  ErrorBody,
  EventGroupsAnswer,
  EventStepsAnswer,
  ExportsAnswer,
  FieldInfo,
  FieldsAnswer,
  FilterAnswer,
  FilterCompletion,
  FilterFault,
  Health,
  LedgerAnswer,
  ProgramsAnswer,
  RowsAnswer,
  RulesAnswer,
  SeriesAnswer,
  TopAnswer,
} from '../../api/contract/mod.ts'

/** One row of an answer, by field or metric name. */
export type Values = RowsAnswer['rows'][number]
