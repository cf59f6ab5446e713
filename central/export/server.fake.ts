// A server of another project, on loopback, killed and started again as a test says.

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'

export interface Server {
  /** Resolves when it listens. */
  start(): Promise<void>
  stop(signal: NodeJS.Signals): Promise<void>
  /** What it last said. */
  said(): string
}

export interface ServerConfig {
  readonly program: string
  readonly args: readonly string[]
  readonly ports: readonly number[]
  /** Of one that listens at no port of TCP. */
  readonly isReady?: () => boolean
}

/** It is started again when it ends before it listens: what a killed one had may still be taken for a moment. */
export function createServer({ program, args, ports, isReady }: ServerConfig): Server {
  let child: ChildProcess | undefined
  let said = ''

  function spawned(): ChildProcess {
    const fresh = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] })
    for (const stream of [fresh.stdout, fresh.stderr]) {
      stream?.on('data', (chunk: Buffer) => {
        said = (said + chunk.toString()).slice(-4000)
      })
    }
    return fresh
  }

  const hasEnded = () => !child || child.exitCode !== null || child.signalCode !== null

  async function start(): Promise<void> {
    child = spawned()
    for (let tries = 0; tries < 1200; tries++) {
      const open = await Promise.all(ports.map(isListening))
      if (!hasEnded() && open.every(Boolean) && (isReady?.() ?? true)) return
      await delay(100)
      if (hasEnded()) child = spawned()
    }
    throw new Error(`${program} does not listen within two minutes: ${said}`)
  }

  async function stop(signal: NodeJS.Signals): Promise<void> {
    if (!child || hasEnded()) return
    const ended = once(child, 'exit')
    child.kill(signal)
    await ended
  }

  return { start, stop, said: () => said }
}

export function isListening(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false))
    socket.once('connect', () => socket.destroy())
  })
}
