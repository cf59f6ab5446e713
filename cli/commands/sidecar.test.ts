// The configuration file of `weir sidecar` in the shape of system 003. A process that is not there ends the command behind
// the file, so that no probe is needed.

import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { fakeTerminal } from '../fake.ts'
import { runCommandLine } from '../run.ts'

const nobody = 4_194_303

/** What is wrong with the file, or with the process when nothing is. */
async function saidOf(context: TestContext, text: string): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'weir-sidecar-'))
  context.after(() => rmSync(folder, { recursive: true, force: true }))
  const file = join(folder, 'config.yaml')
  writeFileSync(file, text)
  const terminal = fakeTerminal()
  assert.equal(await runCommandLine(['sidecar', '--config', file], {}, terminal), 64)
  return terminal.stderr()
}

const fileOf = (ports: string, enableHttp = 'false') => `target:
  pid: ${nobody}
  # process_name: "nginx"
  ports: ${ports}
metrics:
  port: 9090
  interval_secs: 5
  enable_http: ${enableHttp}
logging:
  level: info
  ebpf_debug: false
`

test('an empty list of ports, as the example of system 003 has it, was refused: it means all', async (context) => {
  for (const ports of ['[]', '[80, 443, 8080, 5432]']) {
    assert.match(await saidOf(context, fileOf(ports)), /--pid.*a running process/s)
  }
})

test('what the sidecar cannot do is named with its place', async (context) => {
  assert.match(await saidOf(context, fileOf('[]', 'true')), /:8:.*does not look into HTTP/)
  assert.match(await saidOf(context, fileOf('[0]')), /:4:.*1 to 8 ports/)
})
