// What a guest printed: the TAP of node's own test runner, and the line with which the guest ends.

export interface Verdicts {
  readonly passed: number
  readonly skipped: number
  /** What each failure says of itself, in order: of a test, cancelled ones too, of a hook of a suite or a file, of a process. */
  readonly failed: readonly string[]
  /** Files whose process crashed (SIGSEGV and its like), each with what node says of it. */
  readonly crashed: readonly { readonly file: string; readonly said: string }[]
  /** `NAME: REASON` of what the kernel cannot do. */
  readonly skips: readonly string[]
  /** The tests that took longest. */
  readonly slowest: readonly { readonly name: string; readonly ms: number }[]
  /** The guest said that the tests came to their end; a panic or a time-out did not. */
  readonly ended: boolean
}

/** Everything is read from the verdicts themselves, so that a machine that never ends keeps those that it had. */
export function readVerdicts(text: string): Verdicts {
  const plain = text.replaceAll('\r\n', '\n')
  const good = [...plain.matchAll(/^ *ok \d+ - (.*?)( # SKIP.*)?\n *---\n.*\n *type: 'test'/gm)]
  const skipped = good.filter(([, , skip]) => skip !== undefined).length
  const blocks = [...plain.matchAll(/^( *)not ok \d+ - [\s\S]*?\n\1 {2}\.\.\.$/gm)].map(
    ([block]) => block,
  )
  const crash = /^not ok \d+ - (\S+)\n[\s\S]*^ {2}signal: 'SIG(?:SEGV|BUS|ILL|TRAP|ABRT)'$/m
  const crashed = blocks.flatMap((said) => {
    const [, file] = crash.exec(said) ?? []
    return file === undefined ? [] : [{ file, said }]
  })
  // A suite of which only tests failed is no failure of its own.
  const failed = blocks.filter(
    (block) => !(/^ *failureType: 'subtestsFailed'$/m.test(block) || crash.test(block)),
  )
  const [, code] = /weir-guest: done, exit code (\d+)/.exec(plain) ?? []
  if (code !== undefined && code !== '0' && failed.length + crashed.length === 0) {
    failed.push(`node ended with exit code ${code}, and no verdict says why`)
  }
  const timed = [...plain.matchAll(/^ok \d+ - (.*)\n {2}---\n {2}duration_ms: ([\d.]+)/gm)]
  const skips = [...plain.matchAll(/^ *ok \d+ - (.*) # SKIP ?(.*)$/gm)]
  return {
    passed: good.length - skipped,
    skipped,
    failed,
    crashed,
    skips: skips.map(([, name, reason]) => `${name}: ${reason?.trim() || 'no reason given'}`),
    slowest: timed
      .map(([, name = '', ms]) => ({ name, ms: Number(ms) }))
      .sort((one, other) => other.ms - one.ms)
      .slice(0, 5),
    ended: code !== undefined,
  }
}
