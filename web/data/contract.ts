// The shapes of the API's answers that the page reads.

export type Values = Record<string, string | number | boolean | null>

export interface Coverage {
  share: number | null
  lost: Record<string, number>
  gaps: { node: string; from: string; to: string }[]
}

export interface RowsAnswer {
  rows: Values[]
  next: string | null
  coverage: Coverage
}

export interface TopAnswer {
  rows: Values[]
  next: null
  totals: Values
  coverage: Coverage
}

export interface SeriesAnswer {
  rows: Values[]
  next: null
  step_seconds: number
  coverage: Coverage & { steps: { time: string; share: number | null }[] }
}

export interface ErrorBody {
  error: { code: string; message: string; remedy: string; details: Record<string, string | number> }
}

export interface Health {
  status: string
  version: string
  started: string
  nodes: {
    node: string
    state: 'live' | 'idle' | 'late' | 'gone'
    last_seen: string
    interval_ms: number
  }[]
}
