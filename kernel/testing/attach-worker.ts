// A worker that loads the object with a program per kind of hook and attaches what it is asked to: worker threads
// alone may enter other network namespaces.

import { parentPort } from 'node:worker_threads'
import type { AppError } from '../../common/mod.ts'
import { cgroup } from '../loader/attach/cgroup.ts'
import { clsact, removeLeftFilters } from '../loader/attach/clsact.ts'
import type { Attachment, Hook } from '../loader/attach/hook.ts'
import type { Link } from '../loader/attach/link.ts'
import { socketFilter } from '../loader/attach/socket-filter.ts'
import { tcx } from '../loader/attach/tcx.ts'
import { xdp } from '../loader/attach/xdp.ts'
import { createMapEntries } from '../loader/map-batch.ts'
import { sumOverCpus } from '../loader/map-sum.ts'
import { inNamespace } from '../loader/namespace.ts'
import type { Answer, HookName, Question } from './attach-messages.ts'
import { openAttachObject } from './loader.ts'

const hooks: Readonly<Record<HookName, Hook<never>>> = { cgroup, clsact, socketFilter, tcx, xdp }

const object = openAttachObject()
const attachments: (Attachment & Partial<Pick<Link, 'pin'>>)[] = []

/** The place is the test's to get right: hooks say what is wrong with it. */
function hookOf(name: HookName): Hook<unknown> {
  return hooks[name] as Hook<unknown>
}

function answer(question: Question): unknown {
  switch (question.op) {
    case 'attach': {
      const { hook, program, place } = question
      const attachment = object.attach(program, hookOf(hook), place)
      attachments.push(attachment)
      const told = { ...attachment, number: attachments.length - 1 }
      return JSON.parse(JSON.stringify(told)) as unknown
    }
    case 'detach':
      return attachments[question.number]?.detach()
    case 'pin':
      return attachments[question.number]?.pin?.(question.path)
    case 'attached':
      return hookOf(question.hook).attached(question.place)
    case 'feature': {
      const feature = hookOf(question.hook).feature(question.place)
      return feature.state === 'available'
        ? [feature.state]
        : [feature.state, feature.error.message]
    }
    case 'counted':
      return counted()
    case 'run':
      return run(question)
    case 'removeLeftFilters':
      return removeLeftFilters(question.netns)
    case 'close':
      return object.close()
  }
}

/** One run of an XDP program with a context, inside a namespace; the frame is zeroes behind its metadata. */
function run({ program, netns, context, input }: Extract<Question, { op: 'run' }>): number {
  const room = { inputBytesMax: 256, outputBytesMax: 0, contextBytes: context.length * 4 }
  return inNamespace(netns, () => {
    const test = object.testRun(program, room)
    new Uint32Array(test.context.buffer).set(context)
    return test.run(Uint8Array.from(input)).returnValue
  })
}

/** Packets and octets by who counted them. */
function counted(): Readonly<Record<number, readonly number[]>> {
  const map = object.map('counted')
  const entries = createMapEntries()
  map.read(entries)
  const columns = [0, 8].map((offset) => {
    const sums = new Float64Array(entries.count)
    sumOverCpus(map, entries, { offset, octets: 8 }, sums)
    return sums
  })
  return Object.fromEntries(
    Array.from({ length: entries.count }, (_, at) => [
      entries.keyWords[at],
      columns.map((sums) => sums[at]),
    ]),
  )
}

parentPort?.on('message', (question: Question) => {
  let reply: Answer
  try {
    reply = { value: answer(question) }
  } catch (error) {
    const { code, message } = error as AppError
    reply = { refused: { code, message } }
  }
  parentPort?.postMessage(reply)
})
