// What a command is: one record that the parser, --help, the reference page and the entry read.

import type { Writable } from 'node:stream'
import type { ConfigItem, ConfigValue } from '../../common/config/mod.ts'

/** How the value of a flag is read and checked; `switch` takes none. */
export type FlagKind = 'switch' | 'text' | 'number' | 'duration' | 'size' | 'endpoint' | 'choice'

export interface Flag {
  /** Without dashes, kebab-case. */
  readonly name: string
  readonly short?: string
  readonly kind: FlagKind
  /** What stands for the value in help: `ADDR:PORT`. */
  readonly metavar?: string
  readonly choices?: readonly string[]
  /** Bounds of a number, of a duration in milliseconds, of a size in octets. */
  readonly min?: number
  readonly max?: number
  readonly repeatable?: true
  /** In a configuration file it may be a list; one text with commas elsewhere. */
  readonly isList?: true
  /** A list without entries has a meaning. */
  readonly mayBeEmpty?: true
  readonly default?: string
  /** A default that this host decides. */
  readonly defaultOfHost?: () => string
  /** Environment variable that is read when the flag is absent. */
  readonly env?: string
  /** Another variable, read when that one is not set. */
  readonly envFallback?: string
  /** Key of the configuration file that is read when neither the line nor the environment has a value. */
  readonly config?: string
  /** Stands in the configuration file alone: no flag, no variable. */
  readonly fileOnly?: true
  /** Never shown. */
  readonly secret?: true
  /** A process listens at the value, ADDR:PORT, unless it is this word. */
  readonly listensUnless?: string
  /** What a text should have been; undefined when it is right. */
  readonly expectation?: (value: string) => string | undefined
  readonly help: string
  /** Flags of one group stand together in help; the first group has no title. */
  readonly group?: string
}

/** A value that stands on the line without a flag: `FILE` in `weir config check FILE`. */
export interface Operand {
  /** As help shows it, in capitals. */
  readonly name: string
  readonly required?: true
  /** Takes all that follow; of the last operand alone. */
  readonly repeatable?: true
  readonly choices?: readonly string[]
  readonly help: string
}

export interface Example {
  readonly command: string
  readonly what: string
}

export interface Command {
  /** All words after `weir`: `flows`, `config check`. */
  readonly name: string
  readonly summary: string
  /** Sentences below the summary in help. */
  readonly description?: string
  /** In the order in which they stand on the line: required ones first. */
  readonly operands?: readonly Operand[]
  readonly flags: readonly Flag[]
  /** The entry reads the configuration file that --config names, and ends at its first mistake. */
  readonly readsConfig?: true
  readonly examples: readonly Example[]
  /** Resolves with the exit code; throws AppError for everything that a person can repair. */
  readonly run: (values: Values, terminal: Terminal) => Promise<number>
}

/** Commands that begin with the same word. */
export interface CommandGroup {
  readonly name: string
  readonly summary: string
  readonly commands: readonly CommandEntry[]
}

/** A line of the command table. */
export type CommandEntry = Command | CommandGroup

/** Every command that can be run, in the order of the table. */
export function commandsOf(entries: readonly CommandEntry[]): readonly Command[] {
  return entries.flatMap((entry) => ('commands' in entry ? commandsOf(entry.commands) : [entry]))
}

/** Where a value comes from, and how a person would name the place: `--listen`, `WEIR_LISTEN`, `weir.yaml:3:5`. */
export interface Origin {
  readonly from: 'flag' | 'environment' | 'file' | 'default'
  readonly name: string
}

/** A configuration file that was read and has no mistake. */
export interface Configuration {
  /** Absolute path. */
  readonly file: string
  /** By key; with their places. */
  readonly values: ReadonlyMap<string, ConfigValue>
  /** The sections of its list `exports`. */
  readonly exports: readonly ConfigItem[]
}

/** Values of flags, checked: the command line first, then the environment, the file, the default. */
export interface Values {
  readonly text: (name: string) => string | undefined
  readonly list: (name: string) => readonly string[]
  readonly on: (name: string) => boolean
  readonly number: (name: string) => number | undefined
  readonly durationMs: (name: string) => number | undefined
  /** Of a size. */
  readonly octets: (name: string) => number | undefined
  /** Of the last value of a flag. */
  readonly origin: (name: string) => Origin
  readonly config: Configuration | undefined
  /** What stands on the line for an operand, by its name; several only for a repeatable one. */
  readonly operands: (name: string) => readonly string[]
  /** Names of the flags that stand on the command line. */
  readonly given: readonly string[]
}

/** A terminal that one command draws on as a whole. */
export interface Screen {
  readonly size: () => { readonly columns: number; readonly rows: number }
  /** Takes the terminal until the returned function is called, or the process ends in whatever way. */
  readonly open: (pressed: (text: string) => void, resized: () => void) => () => void
  /** Gives it back while the process is stopped (Ctrl-Z), takes it again after that. */
  readonly suspend: (continued: () => void) => void
  /** Lines from the top; what was below them is wiped. */
  readonly draw: (lines: readonly string[]) => void
}

/** The world as a command sees it; tests give their own. */
export interface Terminal {
  readonly out: Writable
  readonly err: Writable
  /** Columns of the screen; undefined when standard output is not one, so nothing needs to fit. */
  readonly columns: number | undefined
  readonly color: boolean
  /** Input and output as a screen that can be drawn on; undefined when one of them is none. */
  readonly screen?: Screen | undefined
  /** Whether standard error is a screen, so that progress may be drawn. */
  readonly progress: boolean
  readonly now: () => number
  /** The configuration file of this host, read when none is named and it exists. */
  readonly configFile: string
  /** Where running centrals tell their address; the first is where one of this user does. */
  readonly runtimeFolders: readonly string[]
  /** What to type for `weir` here: `weir` when it is on the PATH, else its file. */
  readonly program: string
  /** Ends with the first Ctrl-C or SIGTERM; asking for it takes those signals over from the default. */
  readonly interrupted: () => AbortSignal
}

/** Writes a line of result. */
export function print(terminal: Terminal, line: string): void {
  terminal.out.write(`${line}\n`)
}

/** Writes a line about the result. */
export function note(terminal: Terminal, line: string): void {
  terminal.err.write(`${line}\n`)
}
