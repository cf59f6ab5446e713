// The end of a process that cannot go on: one line that says why, and the exit code of the error.

import { AppError } from '../errors/app-error.ts'
import type { Reporter } from '../reporter/reporter.ts'

const defectExitCode = 70

/** Ends the process at once; whoever started it starts it again. What a person can repair is one line without a stack. */
export function endOfProcess(reporter: Reporter): (error: Error) => void {
  return (error) => {
    if (error instanceof AppError) {
      const { code, message, remedy, exitCode } = error
      reporter.log.fatal({ code, remedy }, `${reporter.name} ends: ${message}`)
      process.exit(exitCode)
    }
    reporter.log.fatal({ err: error }, `${reporter.name} ends`)
    process.exit(defectExitCode)
  }
}
