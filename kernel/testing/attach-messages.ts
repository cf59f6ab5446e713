// What a test asks of the worker thread that attaches, and what it answers.

export type HookName = 'cgroup' | 'clsact' | 'socketFilter' | 'tcx' | 'xdp'

export type Place = Readonly<Record<string, unknown>>

export type Question =
  | {
      readonly op: 'attach'
      readonly hook: HookName
      readonly program: string
      readonly place: Place
    }
  | { readonly op: 'detach'; readonly number: number }
  | { readonly op: 'pin'; readonly number: number; readonly path: string }
  | { readonly op: 'attached' | 'feature'; readonly hook: HookName; readonly place: Place }
  | { readonly op: 'removeLeftFilters'; readonly netns: string }
  | {
      readonly op: 'run'
      readonly program: string
      readonly netns: string
      readonly context: readonly number[]
      readonly input: readonly number[]
    }
  | { readonly op: 'counted' | 'close' }

export interface Answer {
  readonly value?: unknown
  readonly refused?: { readonly code: string; readonly message: string }
}
