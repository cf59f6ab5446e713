// What a process is called in rows. One rule:
//
//  1. A program is called what the kernel calls its main thread (comm). Node calls that of each of its programs
//     `MainThread`: the probe puts the name of the program's file in its place, and what it leaves is `node` here.
//  2. If that is the name of an interpreter, the process is called by its script: the file name, without folders, of the
//     first argument that is no option and that is a file as the process sees it. `node server.js` and `node
//     /srv/app/server.js` are `server.js`; `java -jar shop.jar` is `shop.jar`. Java's other programs are called by
//     their main class: `java -cp libs kafka.Kafka server.properties` is `kafka.Kafka`.
//  3. If there is none (`python3 -m http.server`, `node -e …`, a prompt), or the process has gone before /proc could be
//     read, it keeps the interpreter's name.
//
// Nothing else of the arguments is kept or shown: they carry passwords. /proc is read once per process, bounded, and only
// for interpreters. Process ids are given again, so an answer is checked against the process's start time.

import { closeSync, openSync, readlinkSync, readSync, statSync } from 'node:fs'
import { basename, resolve } from 'node:path'

/** What is read of /proc; a test gives another one. */
export interface ProcessFiles {
  /** The first octets of /proc/PID/NAME as latin1; empty if the process has gone or may not be read. */
  read(pid: number, name: 'cmdline' | 'stat'): string
  /** Whether an argument names a regular file, as the process sees it. */
  isFile(pid: number, argument: string): boolean
}

export interface ProcessNames {
  /** The name of a process whose comm is `comm`. Reads files the first time, and again when `recheckMs` have passed. */
  nameOf(pid: number, comm: string): string
}

/** How the comms of interpreters begin; a version may follow: `python3.11`, `ruby3.1`. */
export const interpreterNames: readonly string[] =
  'MainThread node nodejs bun deno python pypy ruby perl php php-fpm lua luajit tclsh Rscript java dotnet beam.smp bash dash sh zsh ksh'.split(
    ' ',
  )
const interpreter = new RegExp(
  `^(?:${interpreterNames.map((name) => name.replace('.', '\\.')).join('|')})(?:-?\\d+(?:\\.\\d+)*)?$`,
)
/** Options whose code or module comes next, instead of a script. */
const codeOption = /^(?:-[a-zA-Z]*[cemE]|-p|-pe|--eval|--print)$/
/** Options of Node whose next argument is a file that is no script. */
const fileOption = /^(?:-r|--require|--import|--loader|--experimental-loader|--env-file|-C)$/
/** Options of Java whose next argument is their value. */
const javaValueOption =
  /^(?:-cp|-classpath|--class-path|-p|--module-path|--upgrade-module-path|--add-modules|--add-opens|--add-exports|--add-reads|--source)$/
const javaClass = /^[\p{L}_$][\p{L}\p{N}_$./]*$/u
const argumentsMax = 16
/** Java is often given more options than others have arguments. */
const javaArgumentsMax = 256
const octetsMax = 4096
const cachedMax = 16_384
const recheckMs = 10_000

interface Known {
  readonly comm: string
  readonly name: string
  readonly startTime: string
  checkedMs: number
}

/** Whether a process with this comm is looked up. */
export function isInterpreter(comm: string): boolean {
  return interpreter.test(comm)
}

export function createProcessNames(
  files: ProcessFiles = procFiles,
  now: () => number = Date.now,
): ProcessNames {
  const known = new Map<number, Known>()

  function nameOf(pid: number, kernelComm: string): string {
    const comm = kernelComm === 'MainThread' ? 'node' : kernelComm
    if (pid === 0 || !isInterpreter(comm)) return comm
    const found = known.get(pid)
    if (found && found.comm === comm && isStill(pid, found)) return found.name
    if (known.size >= cachedMax) known.clear()
    const startTime = startTimeOf(files.read(pid, 'stat'))
    const programOf = comm === 'java' ? javaProgramOf : scriptOf
    const name = startTime === '' ? comm : (programOf(files, pid) ?? comm)
    known.set(pid, { comm, name, startTime, checkedMs: now() })
    return name
  }

  /** A process that has gone keeps its name: what is still to be reported of it is its own. */
  function isStill(pid: number, found: Known): boolean {
    const ms = now()
    if (ms - found.checkedMs < recheckMs) return true
    const startTime = startTimeOf(files.read(pid, 'stat'))
    if (startTime !== '' && startTime !== found.startTime) return false
    found.checkedMs = ms
    return true
  }

  return { nameOf }
}

function scriptOf(files: ProcessFiles, pid: number): string | undefined {
  const given = files.read(pid, 'cmdline').split('\0', argumentsMax)
  for (let index = 1; index < given.length; index++) {
    const argument = given[index] as string
    if (fileOption.test(argument)) index++
    else if (codeOption.test(argument)) return undefined
    else if (argument !== '' && !argument.startsWith('-') && files.isFile(pid, argument)) {
      return printable(basename(argument))
    }
  }
  return undefined
}

/** The jar, or the main class: what stands behind it is the program's own. A last argument may be cut off. */
function javaProgramOf(files: ProcessFiles, pid: number): string | undefined {
  const given = files.read(pid, 'cmdline').split('\0', javaArgumentsMax).slice(0, -1)
  for (let index = 1; index < given.length; index++) {
    const argument = given[index] as string
    if (argument === '-jar') return named(given[index + 1], basename)
    if (argument === '-m' || argument === '--module') return named(given[index + 1], moduleClass)
    if (javaValueOption.test(argument)) index++
    else if (argument.endsWith('.java')) return named(argument, basename)
    else if (!/^[-@]/.test(argument))
      return javaClass.test(argument) ? printable(argument) : undefined
  }
  return undefined
}

function named(argument: string | undefined, short: (text: string) => string): string | undefined {
  return argument === undefined ? undefined : printable(short(argument))
}

const moduleClass = (text: string) => text.slice(text.indexOf('/') + 1)

/** A file's name may hold anything; 63 characters are enough to tell programs apart. */
function printable(name: string): string {
  const text = Buffer.from(name, 'latin1').toString('utf8')
  return text.replace(/[\p{C}\p{Z}]/gu, '?').slice(0, 63)
}

/** Field 22 of proc_pid_stat(5); the second one, in parentheses, may hold anything. */
function startTimeOf(stat: string): string {
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? ''
}

const procFiles: ProcessFiles = {
  read: (pid, name) => {
    const octets = Buffer.alloc(octetsMax)
    try {
      const file = openSync(`/proc/${pid}/${name}`, 'r')
      try {
        return octets.toString('latin1', 0, readSync(file, octets, 0, octetsMax, 0))
      } finally {
        closeSync(file)
      }
    } catch {
      return ''
    }
  },
  isFile: (pid, argument) => {
    try {
      const path = Buffer.from(argument, 'latin1').toString('utf8')
      const seen = resolve(readlinkSync(`/proc/${pid}/cwd`), path)
      return statSync(`/proc/${pid}/root${seen}`).isFile()
    } catch {
      return false
    }
  },
}
