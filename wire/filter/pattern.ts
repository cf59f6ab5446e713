// Regular expressions of the filter language are RE2's, as the store's are: linear in the length of the text,
// whatever is asked. They are not anchored, case counts, and `.` is any character, a line's end too.

import { RE2JS } from 're2js'
import { filterError } from './error.ts'

/** Throws `bad_filter` at `position` for what RE2 does not take: back references, look-around, a loose bracket. */
export function parsePattern(pattern: string, position = 0): (text: string) => boolean {
  try {
    const compiled = RE2JS.compile(pattern, RE2JS.DOTALL)
    return (text) => compiled.matcher(text).find()
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause)
    throw filterError(position, `${JSON.stringify(pattern)} is no regular expression: ${why}`)
  }
}
