// A process that attaches one program, says so in one line, and lives until it is killed or its input ends.

import { startAttacher } from './attach.ts'
import type { HookName, Place } from './attach-messages.ts'

interface Request {
  readonly hook: HookName
  readonly program: string
  readonly place: Place
}

const { hook, program, place } = JSON.parse(process.argv[2] as string) as Request
const attacher = startAttacher()
const attached = await attacher.attach(hook, program, place)
process.stdout.write(`${JSON.stringify(attached)}\n`)
process.stdin.resume().once('end', () => process.exit())
