import assert from 'node:assert/strict'
import { test } from 'node:test'
import { commandOf, valuesOf } from '../parse/arguments.ts'
import { commandsOf } from './command.ts'
import { commands } from './commands.ts'
import { nextSteps } from './examples.ts'

test('npm start says how the shell finds weir, once, and three commands', () => {
  const steps = nextSteps('/opt/weir/bin/weir')
  assert.equal(steps[1], '  export PATH="/opt/weir/bin:$PATH"')
  assert.equal(steps.length, 5)
  assert.equal(nextSteps('weir').length, 4)
})

test('what is suggested is a command that the parser takes', () => {
  for (const step of nextSteps('weir').slice(1)) {
    takes(step.trim().split(/ {2,}/)[0] ?? '')
  }
})

test('every example of a help page is a command that the parser takes', () => {
  for (const { examples } of commandsOf(commands)) {
    for (const { command } of examples) takes(command)
  }
})

/** Throws unless `weir COMMAND …` is a command line that could be run. */
function takes(line: string): void {
  const { entry, rest } = commandOf(line.split(' ').slice(1), commands)
  assert.ok(!('commands' in entry), line)
  valuesOf(entry, rest, {})
}
