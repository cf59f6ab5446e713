// The agent on the real kernel: traffic of a namespace of its own → rows that equal what the programs sent;
// frames that a fake central takes; a kill -9 after which increments go on.

import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { query } from 'chdb'
import { createReporter } from '../common/mod.ts'
import { createNamespace, type Namespace, startPeers } from '../kernel/testing/peers.ts'
import {
  createMessageDecoder,
  encodeAck,
  encodeJsonMessage,
  type Row,
  readFrameBlock,
  readFrameHeader,
  rowOf,
} from '../wire/mod.ts'
import { createLocalAgent } from './local.ts'

const quiet = createReporter('test', { level: 'silent' })
