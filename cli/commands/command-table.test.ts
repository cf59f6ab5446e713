import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fakeTerminal } from '../fake.ts'
import { runCommandLine } from '../run.ts'
import type { CommandEntry, Operand } from './command.ts'

/** `weir fish catch POND [BAIT...]` and `weir fish list [POND]`; each prints what it was given. */
const entries: readonly CommandEntry[] = [
  {
    name: 'fish',
    summary: 'Catches and lists fish.',
    commands: [
      fish('catch', [
        { name: 'POND', required: true, help: 'Where.' },
        { name: 'BAIT', repeatable: true, choices: ['worm', 'bread'], help: 'What it bites.' },
      ]),
      fish('list', [{ name: 'POND', help: 'Only of this one.' }]),
    ],
  },
  fish('alone', []),
]

function fish(word: string, operands: readonly Operand[]): CommandEntry {
  return {
    name: word === 'alone' ? word : `fish ${word}`,
    summary: `Does ${word}.`,
    operands,
    flags: [{ name: 'size', kind: 'number', help: 'In centimetres.' }],
    examples: [{ command: `weir fish ${word}`, what: 'try it' }],
    run: async (values, terminal) => {
      const given = operands.map(({ name }) => `${name}=${values.operands(name).join(',')}`)
      terminal.out.write(`${word} ${given.join(' ')} size=${values.number('size') ?? ''}`)
      return 0
    },
  }
}

async function weir(...args: readonly string[]) {
  const terminal = fakeTerminal()
  const exitCode = await runCommandLine(args, {}, terminal, entries)
  return { exitCode, out: terminal.stdout(), err: terminal.stderr() }
}

test('operands are taken in their order, flags stand anywhere among them', async () => {
  for (const [line, out] of [
    ['fish catch lake', 'catch POND=lake BAIT= size='],
    ['fish catch lake worm --size 4 bread', 'catch POND=lake BAIT=worm,bread size=4'],
    ['fish catch -- -lake', 'catch POND=-lake BAIT= size='],
    ['fish list', 'list POND= size='],
    ['alone --size 1', 'alone  size=1'],
  ] as const) {
    assert.deepEqual(await weir(...line.split(' ')), { exitCode: 0, out, err: '' }, line)
  }
})

test('a word too few, too many or mistyped is said with the usage', async () => {
  for (const [line, err] of [
    [
      'fish catch',
      'weir: weir fish catch needs POND\n  the usage is: weir fish catch POND [BAIT...]\n',
    ],
    [
      'fish list lake sea',
      'weir: weir fish list takes [POND] and nothing after it, got sea\n  weir fish list --help shows examples\n',
    ],
    [
      'fish catch lake worn',
      'weir: BAIT worn: expected one of worm, bread; did you mean worm?\n  weir fish catch --help shows examples\n',
    ],
    ['alone x', 'weir: weir alone takes no argument, got x\n  weir alone --help shows examples\n'],
    [
      'fish lst',
      'weir: unknown command fish lst; did you mean fish list?\n  weir fish --help lists the commands\n',
    ],
    ['fish fly', 'weir: unknown command fish fly\n  weir fish --help lists the commands\n'],
    ['fish --fly', 'weir: unknown command fish --fly\n  weir fish --help lists the commands\n'],
    [
      'fihs list',
      'weir: unknown command fihs; did you mean fish?\n  weir --help lists the commands\n',
    ],
  ] as const) {
    assert.deepEqual(await weir(...line.split(' ')), { exitCode: 64, out: '', err }, line)
  }
})

test('help of a group lists its commands, help of a command its operands', async () => {
  for (const line of ['fish', 'fish --help', 'help fish']) {
    const { exitCode, out } = await weir(...line.split(' '))
    assert.equal(exitCode, 0)
    assert.match(out, /^weir fish: catches[\s\S]*\n {2}fish catch {2}Does catch\.\n {2}fish list /)
  }
  for (const line of ['fish catch --help', 'help fish catch', 'fish catch lake sea x -h']) {
    const { exitCode, out } = await weir(...line.split(' '))
    assert.equal(exitCode, 0)
    assert.match(
      out,
      /Usage: weir fish catch \[OPTIONS\] POND \[BAIT\.\.\.\]\n\nArguments:\n {2}POND {2}Where\./,
    )
  }
  assert.match((await weir('help')).out, /\n {2}fish {3}Catches and lists fish\.\n {2}alone /)
})
