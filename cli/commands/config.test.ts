import assert from 'node:assert/strict'
import { globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import type { Terminal } from '../commands/command.ts'
import { fakeTerminal } from '../fake.ts'
import { type Environment, valuesOf } from '../parse/arguments.ts'
import { runCommandLine } from '../run.ts'
import { settingValue } from './config.ts'
import { settings } from './settings.ts'

const testdata = fileURLToPath(new URL('testdata', import.meta.url))

async function weir(line: string, env: Environment = {}, world: Partial<Terminal> = {}) {
  const terminal = fakeTerminal(world)
  const exitCode = await runCommandLine(line.split(' '), env, terminal)
  return { exitCode, out: terminal.stdout(), err: terminal.stderr() }
}

function fileOf(context: TestContext, text: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'weir-config-'))
  context.after(() => rmSync(folder, { recursive: true, force: true }))
  const file = join(folder, 'weir.yaml')
  writeFileSync(file, text)
  return file
}

/** Key → value and origin, as `config print -o json` says. */
async function printed(line: string, env: Environment = {}, world: Partial<Terminal> = {}) {
  const { exitCode, out, err } = await weir(
    `config print ${line} -o json`.replace('  ', ' '),
    env,
    world,
  )
  assert.equal(exitCode, 0, err)
  const answer = JSON.parse(out) as {
    settings: { key: string; value: string | null; from: string; where: string | null }[]
  }
  return new Map(answer.settings.map(({ key, ...rest }) => [key, rest]))
}

for (const file of globSync('*.bad.yaml', { cwd: testdata })) {
  test(`${file} is refused with the place of every mistake`, async () => {
    const path = join(testdata, file)
    const { exitCode, out, err } = await weir(`config check ${path}`)
    assert.equal(exitCode, 64)
    assert.equal(out, '')
    const message = path.replace(/\.yaml$/, '.txt')
    const said = err.replaceAll(path, 'weir.yaml')
    if (process.env['UPDATE_GOLDEN']) writeFileSync(message, said)
    assert.equal(said, readFileSync(message, 'utf8'))
  })
}

for (const file of globSync('*.good.yaml', { cwd: testdata })) {
  test(`${file} has no mistake`, async () => {
    const { exitCode, out, err } = await weir(`config check ${join(testdata, file)}`)
    assert.deepEqual({ exitCode, err }, { exitCode: 0, err: '' })
    assert.match(
      out,
      new RegExp(`${basename(file)}: no mistake, \\d+ settings(, \\d+ exports)?\\n$`),
    )
  })
}

test('exports are no settings: a file of two of them had "0 settings"', async (context) => {
  const item = (name: string) => `  - { kind: files, name: ${name}, path: /srv/${name} }\n`
  const two = `exports:\n${item('a')}${item('b')}`
  const { out } = await weir(`config check ${fileOf(context, two)}`)
  assert.match(out, /: no mistake, 0 settings, 2 exports\n$/)
})

test('a flag is stronger than a variable, a variable than the file, the file than the default', async (context) => {
  const file = fileOf(
    context,
    'agent:\n  interval: 1s\n  node: from-file\ncentral:\n  listen: 127.0.0.1:1\n',
  )
  const env = { WEIR_INTERVAL: '2s', WEIR_NODE: 'from-env', WEIR_LISTEN: '' }
  const shown = await printed(`--config ${file} --interval 3s`, env)
  assert.deepEqual(shown.get('agent.interval'), { value: '3s', from: 'flag', where: '--interval' })
  assert.deepEqual(shown.get('agent.node'), {
    value: 'from-env',
    from: 'environment',
    where: 'WEIR_NODE',
  })
  assert.deepEqual(shown.get('central.listen'), {
    value: '127.0.0.1:1',
    from: 'file',
    where: `${file}:5:11`,
  })
  assert.deepEqual(shown.get('data'), { value: '/var/lib/weir', from: 'default', where: null })
  assert.equal(shown.get('agent.netns')?.value, null)
})

test('--config is stronger than WEIR_CONFIG, that than the file of the host', async (context) => {
  const [host, named, typed] = ['host', 'named', 'typed'].map((node) =>
    fileOf(context, `agent: { node: ${node} }\n`),
  ) as [string, string, string]
  const node = async (line: string, env: Environment) =>
    (await printed(line, env, { configFile: host })).get('agent.node')?.value
  assert.equal(await node('', {}), 'host')
  assert.equal(await node('', { WEIR_CONFIG: named }), 'named')
  assert.equal(await node(`--config ${typed}`, { WEIR_CONFIG: named }), 'typed')
  const checked = await weir('config check', {}, { configFile: host })
  assert.equal(checked.out, `${host}: no mistake, 1 settings\n`)
})

test('the same key has the default of the process that is asked for', async () => {
  for (const [line, key, value] of [
    ['', 'agent.metrics', 'off'],
    ['agent', 'agent.metrics', '127.0.0.1:9090'],
    ['', 'central.ingest', 'unix'],
    ['central', 'central.ingest', '127.0.0.1:50051'],
    ['central', 'agent.node', undefined],
    ['', 'agent.upstream', undefined],
  ] as const) {
    assert.equal((await printed(line)).get(key)?.value, value, `${line} ${key}`)
  }
})

test('what is printed is a file that says the same', async (context) => {
  const good = join(testdata, 'all.good.yaml')
  const first = await weir(`config print agent --config ${good}`)
  const again = fileOf(context, first.out)
  const valuesOnly = (text: string) => text.replaceAll(/ +#.*/g, '')
  assert.equal(
    valuesOnly((await weir(`config print agent --config ${again}`)).out),
    valuesOnly(first.out),
  )
  assert.match(first.out, /^data: "\/var\/lib\/weir here" +# \S+all\.good\.yaml:2:7$/m)
  assert.match(first.out, /^ {2}upstream: unix:\/run\/weir\/ingest\.sock +#/m)
})

test('a process does not start with a mistake in its file, also in what concerns another process', async (context) => {
  const file = fileOf(context, 'central: { lisen: 127.0.0.1:1 }\nx: 1\n')
  for (const command of ['agent', 'central', 'up', 'config print']) {
    const { exitCode, err } = await weir(`${command} --config ${file}`)
    assert.equal(exitCode, 64)
    assert.equal(
      err,
      `weir: ${file}:1:12: unknown key central.lisen; did you mean central.listen?\n  this is the first of 2 mistakes; all of them: weir config check ${file}\n`,
    )
  }
})

test('a file that is not there is an error when it was named, and none when it was not', async () => {
  const { exitCode, err } = await weir('config print', { WEIR_CONFIG: '/nowhere/x.yaml' })
  assert.equal(exitCode, 64)
  assert.match(err, /^weir: the configuration file \/nowhere\/x\.yaml cannot be read: ENOENT/)
  assert.equal((await weir('config print')).exitCode, 0)
  const check = await weir('config check')
  assert.equal(check.exitCode, 64)
  assert.match(check.err, /^weir: there is no configuration file \/nowhere\/weir\.yaml/)
  assert.match((await weir(`config check ${testdata}`)).err, /cannot be read: EISDIR/)
})

test('a value of the file that this host does not have names its place', async (context) => {
  const file = fileOf(context, 'agent:\n  cgroup: /no/such\n')
  const { exitCode, err } = await weir(`up --config ${file}`)
  assert.equal(exitCode, 64)
  assert.match(err, new RegExp(`^weir: ${file}:2:11 /no/such: expected a number, or a path`))
})

test('a central that weir up would not send to is said, not ignored in silence', async (context) => {
  const file = fileOf(context, 'agent: { upstream: "192.0.2.1:1", cgroup: /no/such }\n')
  const { err } = await weir(`up --config ${file}`)
  assert.match(err, /^weir up: agent\.upstream of the configuration file is not used: /)
})

test('an empty name or folder is refused: it is a variable of a script that was not set', async () => {
  for (const flag of ['--node', '--data', '--listen', '--upstream']) {
    const { exitCode, err } = await weir(`agent ${flag}=`.replace('agent --l', 'central --l'))
    assert.equal(exitCode, 64)
    assert.match(err, new RegExp(`^weir: ${flag} : expected `))
  }
})

test('an address of the file that is open to others is refused, unless the line allows it', async (context) => {
  const file = fileOf(context, 'central: { listen: "192.0.2.1:0", ingest: "192.0.2.1:1" }\n')
  const refused = await weir(`central --config ${file}`)
  assert.equal(refused.exitCode, 77)
  assert.match(refused.err, /refusing to listen on 192\.0\.2\.1:0 without TLS or a token/)
  assert.equal((await printed(`--insecure --config ${file}`)).get('insecure')?.where, '--insecure')
})

test('a secret is never shown, only where it comes from', () => {
  const flag = { name: 'token', kind: 'text', secret: true, config: 'token', help: '' } as const
  const command = { name: 'try', summary: '', flags: [flag], examples: [], run: async () => 0 }
  const config = {
    file: '/x.yaml',
    values: new Map([['token', { text: 'k', line: 1, column: 8 }]]),
    exports: [],
  }
  assert.deepEqual(settingValue(flag, valuesOf(command, [], {}, config)), {
    key: 'token',
    value: '***',
    from: 'file',
    where: '/x.yaml:1:8',
  })
})

test('no key is a section as well, and none stands in the table twice', () => {
  const keys = settings.map(({ config }) => config ?? '')
  assert.equal(new Set(keys).size, keys.length)
  assert.deepEqual(
    keys.filter((key) => keys.some((other) => other.startsWith(`${key}.`))),
    [],
  )
})
