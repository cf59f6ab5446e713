// The thread that attaches: worker threads alone may enter other network namespaces.

import { parentPort } from 'node:worker_threads'
import { AppError, messageOf } from '../../../common/mod.ts'
import { xdp } from '../../loader/attach/xdp.ts'
import type { LoadedObject } from '../../loader/object.ts'
import { attachXdp, detachXdp, xdpStatus } from './attach.ts'
import type { Answer, Question } from './door.ts'
import { loadXdpObject } from './object.ts'
import { mapDescriptors } from './pinned.ts'

function answer(question: Question): unknown {
  switch (question.op) {
    case 'attach':
      return attachXdp(question.target, question.mode)
    case 'detach':
      return detachXdp(question.target)
    case 'status':
      return xdpStatus(question.root)
    case 'watch':
      return watch(question)
    case 'unwatch':
      return watched?.close()
  }
}

let watched: LoadedObject | undefined

/** Attaches for as long as the process lives; its maps are known to all threads by their descriptors. */
function watch({ target, mode }: Extract<Question, { op: 'watch' }>) {
  const object = loadXdpObject()
  const { interface: name, netns } = target
  try {
    const link = object.attach('weir_xdp', xdp, { interface: name, mode, ...(netns && { netns }) })
    const { programId, mode: got } = link
    watched = object
    return { programId, mode: got, descriptors: mapDescriptors(object) }
  } catch (error) {
    object.close()
    throw error
  }
}

parentPort?.on('message', (question: Question) => {
  let reply: Answer
  try {
    reply = { value: answer(question) }
  } catch (error) {
    const { code, status, exitCode, remedy, message } =
      error instanceof AppError
        ? error
        : { code: 'probe_defect', status: 500, exitCode: 70, remedy: '', message: messageOf(error) }
    reply = { refused: { code, status, exitCode, remedy, message } }
  }
  parentPort?.postMessage(reply)
})
