// A command line against a central that answers from a list, at a fixed time.

import { type FakeAnswer, fakeCentral, fakeRow, fakeTerminal, wholeCoverage } from './fake.ts'
import { runCommandLine } from './run.ts'

export const nowMs = Date.parse('2026-08-21T12:00:01Z')

/** Runs `weir LINE` to its end. */
export async function weir(line: string, answer: FakeAnswer, columns?: number) {
  const central = await fakeCentral(answer)
  const terminal = fakeTerminal({ columns, now: () => nowMs })
  try {
    const args = [...line.split(' '), '--server', central.url]
    const exitCode = await runCommandLine(args, {}, terminal)
    return { exitCode, out: terminal.stdout(), err: terminal.stderr(), asked: central.asked }
  } finally {
    await central.close()
  }
}

export const rows = [
  fakeRow(),
  fakeRow({
    end: '2026-08-21T12:00:00.000000000Z',
    end_reason: 'refused',
    errno: 'ECONNREFUSED',
    src_process: 'evil\u001b]0;x\u0007\u202e',
    dst_address: '2001:db8::7',
    total_bytes: 0,
    total_reverse_bytes: 0,
    rtt_ns: null,
    retransmits: null,
  }),
]

export const flowsAnswer: FakeAnswer = () => ({
  body: { rows, next: null, coverage: wholeCoverage },
})
