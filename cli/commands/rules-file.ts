// A file of rules, or standard input.

import { readFileSync } from 'node:fs'
import { messageOf } from '../../common/mod.ts'
import { cliError } from '../errors.ts'
import type { Operand, Values } from './command.ts'
import { openKernel } from './xdp-shared.ts'

export const fileOperand: Operand = {
  name: 'FILE',
  required: true,
  help: 'A file of rules, one per line; - is standard input.',
}

/** Throws `rule_mistake` with line and character; nothing is taken from a file with a mistake. */
export async function readRuleFile(values: Values) {
  const kernel = await openKernel()
  const [file = '-'] = values.operands('FILE')
  const { rules, mistake } = kernel.parseRules(textOf(file))
  if (mistake === undefined) return rules
  const { line, character, reason } = mistake
  throw kernel.kernelError('rule_mistake', { details: { file, line, character, reason } })
}

function textOf(file: string): string {
  try {
    return readFileSync(file === '-' ? 0 : file, 'utf8')
  } catch (error) {
    const hint = 'weir rules export writes such a file'
    throw cliError('bad_flag', { details: { name: file, reason: messageOf(error), hint } })
  }
}
