// The embedded engine behind one door: statements in, octets out, each cancellable.
//
// Each statement gets a session of its own (0.3 ms), which dies with it: SET is the only way to give
// settings and parameters without the binding's process-wide lock, and SET outlives a statement.

import { setTimeout as delay } from 'node:timers/promises'
import { drainPending, Session } from 'chdb'
import { EngineError, engineErrorOf } from './engine-error.ts'
import { folderOwner } from './folder-owner.ts'
import { createLane, type Lane } from './lane.ts'
import { engineArguments, workerLimits } from './limits.ts'
import { setStatement } from './set-statement.ts'

export interface Statement {
  readonly sql: string
  /** Format of the answer when the SQL names none. */
  readonly format: string
  readonly settings: ReadonlyMap<string, string>
  /** Values of `{name:Type}`, TSV-escaped as the HTTP dialect sends them. */
  readonly params: ReadonlyMap<string, string>
  readonly lane: 'query' | 'insert'
}

export interface Running {
  /** The whole answer; rejects with EngineError. */
  readonly answer: Promise<Uint8Array>
  /** Ends the statement wherever it is; `answer` then rejects with code 394. Idempotent. */
  cancel(): void
}

export interface Engine {
  run(statement: Statement): Running
  /** Waits for running inserts, cancels queries, releases the folder. */
  close(): Promise<void>
}

/** Opens the folder; throws EngineError 76 when another process has it. */
export function openEngine(folder: string): Engine {
  const options = { connectionArgs: engineArguments }
  const control = openSession(folder)
  const lanes: Readonly<Record<Statement['lane'], Lane>> = {
    query: createLane(workerLimits.queries, workerLimits.waiting),
    insert: createLane(workerLimits.inserts, workerLimits.waiting),
  }
  const active = new Set<{ lane: Statement['lane']; running: Running }>()
  let statements = 0

  function run(statement: Statement): Running {
    const id = `weir-${++statements}`
    const state = { cancelled: false, done: false }
    const answer = execute(statement, id, state).finally(() => {
      state.done = true
      active.delete(entry)
    })
    const cancel = () => {
      if (state.cancelled || state.done) return
      state.cancelled = true
      void kill(id, state)
    }
    const entry = { lane: statement.lane, running: { answer, cancel } }
    active.add(entry)
    return entry.running
  }

  async function execute(
    statement: Statement,
    id: string,
    state: { readonly cancelled: boolean },
  ): Promise<Uint8Array> {
    const leave = await lanes[statement.lane].enter()
    if (!leave) throw new EngineError(202, 'Too many simultaneous queries')
    try {
      if (state.cancelled) throw new EngineError(394, 'Query was cancelled')
      return await inOwnSession(statement, id)
    } finally {
      leave()
    }
  }

  async function inOwnSession(statement: Statement, id: string): Promise<Uint8Array> {
    const session = new Session(folder, options)
    try {
      const sql = `${setStatement(id, statement.settings, statement.params)};${statement.sql}`
      const result = await session.queryAsync(sql, { format: statement.format })
      return result.bytes()
    } catch (error) {
      throw engineErrorOf(error)
    } finally {
      session.close()
    }
  }

  /** Asks until the statement has ended: the first KILL may come before the engine knows it. Never SYNC: it hung. */
  async function kill(id: string, state: { readonly done: boolean }): Promise<void> {
    const sql = `KILL QUERY WHERE Settings['log_comment'] = '${id}' ASYNC`
    while (!state.done) {
      await control.queryAsync(sql).catch(() => undefined)
      await delay(20)
    }
  }

  async function close(): Promise<void> {
    for (const { lane, running } of active) if (lane === 'query') running.cancel()
    await Promise.allSettled([...active].map(({ running }) => running.answer))
    control.close()
    await drainPending()
  }

  return { run, close }
}

function openSession(folder: string): Session {
  try {
    return new Session(folder, { connectionArgs: engineArguments })
  } catch (error) {
    const owner = folderOwner(folder)
    if (owner === undefined) throw engineErrorOf(error)
    throw new EngineError(76, `Cannot lock ${folder}: process ${owner} has it`, error)
  }
}
