// Stage 5, its questions: what can be asked of the stored rows, as bound SQL over any Reader.

export {
  type Coverage,
  type CoverageQuestion,
  readCoverage,
  readSteppedCoverage,
  type SteppedCoverage,
} from './coverage.ts'
export {
  type EventGroups,
  type EventGroupsQuestion,
  type EventMetric,
  type EventSteps,
  type EventStepsQuestion,
  eventStepsMax,
  readEventGroups,
  readEventSteps,
} from './event-groups.ts'
export { readLedger } from './ledger.ts'
export { type PageKey, type PageQuestion, type RowsPage, readPage } from './page.ts'
export { type Part, type PartQuestion, writePart } from './part.ts'
export { plainColumns } from './plain-sql.ts'
export type { Source } from './plan.ts'
export { type Approximate, exactRowsMax } from './precision.ts'
export { readPrograms } from './programs.ts'
export type { FlowsScope, Order, QuestionOptions, Range } from './question.ts'
export { readRules, rulesMax } from './rules.ts'
export { readSeries, type Series, type SeriesQuestion } from './series.ts'
export { automaticStepNs } from './steps.ts'
export { readTop, readTotals, type Top, type TopQuestion } from './top.ts'
export { readWatch, type Watch, watchedShare } from './watch.ts'
