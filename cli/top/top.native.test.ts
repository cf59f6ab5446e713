// `weir top` on a real terminal: what it shows, what keys do, and that the shell has its terminal back however it ends.

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { type FakeAnswer, type FakeCentral, fakeCentral, fakeRow, wholeCoverage } from '../fake.ts'
import { type Pty, type PtyOptions, ptyMissing, widestOf, withPty } from '../screen/pty.fake.ts'

const skip = ptyMissing
const leave = '\x1b[?25h\x1b[?1049l'

const metrics = {
  packets: 1000,
  reverse_packets: 1000,
  retransmits: 4,
  reverse_retransmits: null,
  opened: 3,
  connections: 2,
  failed: 31,
  rtt_p50_ns: 1,
  rtt_p95_ns: 84_000,
}

/** Twenty groups of whatever is asked for, the n-th with 1000 - n bytes sent and none received. */
function answerOf(coverage: object = wholeCoverage): FakeAnswer {
  return (url) => {
    if (url.pathname === '/health') return { body: { nodes: [] } }
    if (url.pathname === '/api/flows') {
      return { body: { rows: [fakeRow({ src_process: 'asked-for' })], next: null, coverage } }
    }
    if (url.pathname === '/api/series') {
      return { body: { rows: [], next: null, step_seconds: 60, coverage } }
    }
    const by = url.searchParams.getAll('by')
    const rows = Array.from({ length: 20 }, (_, n) => ({
      ...Object.fromEntries(by.map((name) => [name, groupValue(name, n)])),
      ...metrics,
      bytes: 1000 - n,
      reverse_bytes: 0,
      total: 1000 - n,
    }))
    return { body: { rows, next: null, totals: { groups: 20, ...metrics }, coverage } }
  }
}

function groupValue(name: string, n: number): string | number {
  if (name.endsWith('_port')) return 8000 + n
  if (name.endsWith('_address')) return `192.0.2.${n + 1}`
  return `${name.slice(0, 3)}-${n}`
}

async function top(
  options: Partial<PtyOptions> & {
    readonly args?: readonly string[]
    readonly answer?: FakeAnswer
  },
  work: (pty: Pty, central: FakeCentral) => Promise<void>,
): Promise<void> {
  const central = await fakeCentral(options.answer ?? answerOf())
  try {
    const args = ['top', '--server', central.url, ...(options.args ?? [])]
    await withPty(args, { rows: 16, columns: 100, ...options }, (pty) => work(pty, central))
  } finally {
    await central.close()
  }
}

const shows = (pty: Pty, pattern: RegExp) => () => pattern.test(pty.frame().join('\n'))

test(
  'rows are processes over both roles, it asks again by itself, and q gives the terminal back',
  { skip },
  () =>
    top({}, async (pty, central) => {
      await pty.until('rows', shows(pty, /src-0 /))
      assert.match(pty.frame()[0] ?? '', /^weir top · processes · by total ▼$/)
      assert.match(pty.frame().join('\n'), /dst-0 /)
      const asked = central.asked.length
      await pty.until('another second', () => central.asked.length > asked + 3)
      await pty.until('a picture of the rate', shows(pty, /[▁▂▃▄▅▆▇█]{2}/))
      pty.press('q')
      assert.deepEqual(await pty.ended(), { exitCode: 0, isRestored: true })
      assert.ok(pty.text().includes(leave))
    }),
)

test(
  '2 shows edges, s sorts, a filter is asked for, Enter opens the connections of a row',
  { skip },
  () =>
    top({}, async (pty, central) => {
      await pty.until('rows', shows(pty, /src-0 /))
      pty.press('2')
      await pty.until('edges', shows(pty, /src-0 +dst-0 +8000/))
      pty.press('s')
      await pty.until('the order', shows(pty, /by connections ▼/))
      await pty.until('its question', () =>
        central.asked.some(({ searchParams }) => searchParams.get('order') === '-connections'),
      )
      pty.press('/dst_prt = 1\r')
      await pty.until(
        'the mistake',
        shows(pty, /\^ "dst_prt" is no field; did you mean dst_port\?/),
      )
      const place = pty.frame().at(-1)?.indexOf('^')
      assert.equal(place, pty.frame().at(-2)?.indexOf('dst_prt'), 'under its characters')
      pty.press('\x15dst_po\t= 8000\r')
      await pty.until('its question', () =>
        central.asked.some(({ searchParams }) => searchParams.get('filter') === 'dst_port = 8000'),
      )
      await pty.until('the filter', shows(pty, /filter: dst_port = 8000/))
      await pty.until('rows', shows(pty, /src-1 /))
      pty.press('j\r')
      await pty.until('connections', shows(pty, /connections of src-1 dst-1 8001[\s\S]*asked-for/))
      const query = central.asked.findLast(
        ({ pathname }) => pathname === '/api/flows',
      )?.searchParams
      assert.equal(query?.get('src_process'), 'src-1')
      assert.equal(query?.get('dst_port'), '8001')
      assert.equal(query?.get('filter'), 'dst_port = 8000')
      pty.press('\x1b')
      await pty.until('the rows again', shows(pty, /weir top · edges/))
      pty.press('\x03')
      assert.deepEqual(await pty.ended(), { exitCode: 0, isRestored: true })
    }),
)

for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) {
  test(`${signal} gives the terminal back`, { skip }, () =>
    top({}, async (pty) => {
      await pty.until('rows', shows(pty, /src-0 /))
      pty.kill(signal)
      const { isRestored } = await pty.ended()
      assert.ok(isRestored)
      assert.ok(pty.text().includes(leave))
    }),
  )
}

test('a crash gives the terminal back first, and its stack stays readable', { skip }, () => {
  const crash = 'process.on("SIGUSR2", () => { throw new Error("boom") })'
  return top({ nodeFlags: ['--import', `data:text/javascript,${crash}`] }, async (pty) => {
    await pty.until('rows', shows(pty, /src-0 /))
    pty.kill('SIGUSR2')
    const { exitCode, isRestored } = await pty.ended()
    assert.notEqual(exitCode, 0)
    assert.ok(isRestored)
    const text = pty.text()
    assert.ok(text.indexOf(leave) >= 0 && text.indexOf(leave) < text.indexOf('boom'))
  })
})

test('Ctrl-Z gives the terminal to the shell, and going on takes it again', { skip }, () =>
  top({}, async (pty) => {
    await pty.until('rows', shows(pty, /src-0 /))
    pty.press('\x1a')
    await pty.until('the terminal', () => pty.text().includes(leave))
    const before = pty.text().length
    // The signal to stop does nothing here: no shell of this terminal looks after it. One to go on that comes before it is
    // expected is lost.
    await pty.until('the screen', () => {
      pty.kill('SIGCONT')
      return pty.text().slice(before).includes('\x1b[?1049h')
    })
    pty.press('q')
    assert.deepEqual(await pty.ended(), { exitCode: 0, isRestored: true })
  }),
)

test('it fits every size, also after a resize, and says when it cannot', { skip }, () =>
  top({ rows: 24, columns: 120 }, async (pty) => {
    await pty.until('rows', shows(pty, /src-0 /))
    for (const [rows, columns] of [
      [10, 40],
      [6, 20],
      [50, 200],
      [24, 79],
    ] as const) {
      pty.resize(rows, columns)
      // stty sets first the rows, then the columns: a frame in between has the old width.
      const fits = () => pty.frame().length === rows && widestOf(pty.frame()) <= columns
      await pty.until(`${rows}×${columns}`, fits)
      assert.match(pty.frame()[0] ?? '', /^weir top/)
    }
    pty.resize(4, 12)
    await pty.until('too small', shows(pty, /^too small$/m))
    pty.press('q')
    assert.equal((await pty.ended()).exitCode, 0)
  }),
)

test('NO_COLOR is heeded, and a loss is yellow without it', { skip }, async () => {
  const lossy = answerOf({ ...wholeCoverage, share: 0.9, lost: { ring_full: 5 } })
  await top({ answer: lossy }, async (pty) => {
    await pty.until('the loss', shows(pty, /coverage 90.00 % · 5 lost: ring_full · weir ledger/))
    assert.ok(pty.text().includes('\x1b[33m'))
    pty.press('q')
    await pty.ended()
  })
  await top({ answer: lossy, env: { NO_COLOR: '1' } }, async (pty) => {
    await pty.until('the loss', shows(pty, /coverage 90.00 %/))
    assert.ok(![1, 2, 3, 4, 5, 6].some((n) => pty.text().includes(`\x1b[3${n}m`)))
    pty.press('q')
    await pty.ended()
  })
})

test('a central that goes away is said in its place, and the numbers stay', { skip }, () =>
  top({}, async (pty, central) => {
    await pty.until('rows', shows(pty, /src-0 /))
    await central.close()
    await pty.until('the trouble', shows(pty, /no answer: .*asking again/))
    assert.match(pty.frame().join('\n'), /src-0 /)
    pty.press('q')
    assert.deepEqual(await pty.ended(), { exitCode: 0, isRestored: true })
  }),
)

test('--once on a terminal, and a pipe, are a plain table', { skip }, async () => {
  await top({ args: ['--once', '--rows', 'peers'] }, async (pty) => {
    assert.equal((await pty.ended()).exitCode, 0)
    assert.ok(!pty.text().includes('\x1b[?1049h'))
    assert.match(pty.text(), /^ADDRESS +/m)
    assert.match(pty.text(), /^192\.0\.2\.1 +/m)
  })
  const central = await fakeCentral(answerOf())
  try {
    const main = fileURLToPath(new URL('../main.ts', import.meta.url))
    const { promise, resolve } = Promise.withResolvers<string>()
    execFile(
      process.execPath,
      [main, 'top', '--rows', 'ports', '--server', central.url],
      (_, out) => resolve(out),
    )
    const out = await promise
    assert.match(out, /^PORT +CONNECTIONS/)
    assert.ok(!out.includes('\x1b'))
  } finally {
    await central.close()
  }
})

test('a central that is not there is said before the screen is taken', { skip }, async () => {
  const central = await fakeCentral(answerOf())
  await central.close()
  await withPty(['top', '--server', central.url], { rows: 10, columns: 80 }, async (pty) => {
    assert.equal((await pty.ended()).exitCode, 69)
    assert.ok(!pty.text().includes('\x1b[?1049h'))
    assert.match(pty.text(), /ECONNREFUSED/)
  })
})
