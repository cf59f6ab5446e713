// The thread that attaches: worker threads alone may enter other network namespaces.

import { parentPort } from 'node:worker_threads'
import { AppError, messageOf } from '../../../common/mod.ts'
import { interfaceOfLink, xdp } from '../../loader/attach/xdp.ts'
import { bindPacketSocket } from '../../loader/packet-socket.ts'
import { attachXdp, detachXdp, placeOf, xdpStatus } from './attach.ts'
import type { Answer, Question } from './door.ts'
import { joinProgram } from './join.ts'
import { loadXdpObject } from './object.ts'
import { assertReadable, mapDescriptors } from './pinned.ts'

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
    case 'capture': {
      const { interface: name, netns } = question.target
      return bindPacketSocket({ interface: name, ...(netns && { netns }) }, question.snap)
    }
    case 'watching':
      return watched?.isThere() ?? false
    case 'unwatch':
      return watched?.close()
  }
}

let watched: { isThere(): boolean; close(): void } | undefined

/**
 * Attaches for as long as the process lives, or reads what another process of Weir has attached; its maps are known to
 * all threads by their descriptors.
 */
function watch({ target, mode }: Extract<Question, { op: 'watch' }>) {
  assertReadable(placeOf(target))
  const { interface: name, netns } = target
  const place = { interface: name, ...(netns && { netns }) }
  const joined = joinProgram(place)
  if (joined) {
    watched = joined
    const { programId, descriptors } = joined
    return { programId, mode: joined.mode, descriptors, isOwn: false }
  }
  const object = loadXdpObject()
  try {
    const link = object.attach('weir_xdp', xdp, { ...place, mode })
    const isThere = () => interfaceOfLink(link.descriptor()) !== 0
    watched = { isThere, close: object.close }
    const { programId, mode: got } = link
    return { programId, mode: got, descriptors: mapDescriptors(object), isOwn: true }
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
