// Connections that never came to be: the kernel's reason, at the end that tried.

import assert from 'node:assert/strict'
import { constants } from 'node:os'
import { after, before, describe, test } from 'node:test'
import { type ProgramReport, type SocketProbe, socketRole, tcpState } from '../../mod.ts'
import { createNamespace, type Namespace, type Peers, startPeers } from '../../testing/peers.ts'
import { drainUntil, type SocketRecord } from '../../testing/record.ts'
import { openSocketProbe } from './socket.ts'

const {
  ECONNREFUSED: refused,
  ETIMEDOUT: timedOut,
  EHOSTUNREACH: hostUnreachable,
  EADDRNOTAVAIL: noPort,
  EINPROGRESS: inProgress,
  EACCES: prohibited,
} = constants.errno

/** What a firewall answers, and what the application hears of it (SO_ERROR). */
const rejections = [
  { port: 11, reject: 'icmp type host-unreachable', family: 'v4', errno: hostUnreachable },
  { port: 12, reject: 'icmp type admin-prohibited', family: 'v4', errno: hostUnreachable },
  { port: 13, reject: 'icmpv6 type addr-unreachable', family: 'v6', errno: hostUnreachable },
  { port: 14, reject: 'icmpv6 type admin-prohibited', family: 'v6', errno: prohibited },
] as const

const isErrorHook = ({ name, state }: ProgramReport) => name === 'socket_error' && state === 'on'

describe('failed connects', () => {
  let namespace: Namespace
  let peers: Peers
  let probe: SocketProbe

  before(() => {
    namespace = createNamespace()
    namespace.run('ip', 'link', 'add', 'near', 'type', 'veth', 'peer', 'name', 'far')
    namespace.run('ip', 'address', 'add', '10.99.0.1/24', 'dev', 'near')
    for (const end of ['near', 'far']) namespace.run('ip', 'link', 'set', end, 'up')
    namespace.run('sysctl', '-qw', 'net.ipv4.tcp_syn_retries=1')
    namespace.run('sysctl', '-qw', 'net.ipv4.neigh.near.retrans_time_ms=50')
    namespace.run('nft', 'add table ip quiet')
    namespace.run('nft', 'add chain ip quiet output { type filter hook output priority 0; }')
    namespace.run('nft', 'add rule ip quiet output tcp dport 9 drop')
    namespace.run('nft', 'add table inet refuse')
    namespace.run('nft', 'add chain inet refuse output { type filter hook output priority 0; }')
    for (const { port, reject } of rejections) {
      namespace.run('nft', `add rule inet refuse output tcp dport ${port} reject with ${reject}`)
    }
    peers = startPeers(namespace)
    probe = openSocketProbe({ netns: namespace.inode, ringBytes: 1 << 20 })
  })
  after(async () => {
    probe?.close()
    await peers?.stop()
    namespace?.remove()
  })

  /** An attempt whose end came while the kernel left the program out has lost its error to the caller: once more. */
  async function attempt(request: Readonly<Record<string, unknown>>, op = 'attempt') {
    for (;;) {
      const { recovered } = probe.counters()
      const { told, record } = await attemptOnce(request, op)
      if (probe.counters().recovered !== recovered) continue
      assert.equal(record.state, tcpState.SYN_SENT)
      assert.equal(record.role, socketRole.INITIATOR)
      assert.equal(record.tgid, told.pid)
      assert.deepEqual([record.sent_bytes, record.received_bytes], [0, 0])
      assert.deepEqual([record.initiator_seq, record.responder_seq], [0, 0])
      return { told: told.errno, record }
    }
  }

  async function attemptOnce(request: Readonly<Record<string, unknown>>, op: string) {
    const records: SocketRecord[] = []
    const told = await peers.ask<{ errno: number; pid: number }>(op, request)
    const port = request['port']
    await drainUntil(probe, records, (all) => all.some((one) => one.remote_port === port))
    return { told, record: records.find((one) => one.remote_port === port) as SocketRecord }
  }

  test('refused', async () => {
    const { port } = await peers.ask<{ port: number }>('closed_port')
    const { told, record } = await attempt({ address: '127.0.0.1', port })
    assert.deepEqual([told, record.error], [refused, refused])
    const sixth = await attempt({ address: '::1', port, family: 'v6' })
    assert.deepEqual([sixth.told, sixth.record.error], [refused, refused])
  })

  test('timed out', async () => {
    const { told, record } = await attempt({ address: '127.0.0.1', port: 9 })
    assert.deepEqual([told, record.error], [timedOut, timedOut])
    assert.ok(record.local_port > 0)
  })

  test('unreachable: nobody answers ARP', async () => {
    const { told, record } = await attempt({ address: '10.99.0.77', port: 7002 })
    assert.deepEqual([told, record.error], [hostUnreachable, hostUnreachable])
  })

  test('abandoned by the application: no error, a port', async () => {
    const { told, record } = await attempt({ address: '127.0.0.1', port: 9, timeout_ms: 50 })
    assert.deepEqual([told, record.error], [inProgress, 0])
    assert.ok(record.local_port > 0)
  })

  for (const { port, reject, family, errno } of rejections) {
    const address = family === 'v4' ? '127.0.0.1' : '::1'

    test(`${reject}: the error that a connect without blocking hears`, async () => {
      const { told, record } = await attempt({ address, port, family }, 'attempt_open')
      // IPv4 tells at once, and the application takes the error before the kernel has ended the attempt.
      const known = family === 'v6' || probe.programs.some(isErrorHook)
      assert.deepEqual([told, record.error], [errno, known ? errno : 0])
    })

    test(`${reject}: the error that nobody asked for`, async () => {
      const request = { address, port, family, wait: false }
      const { told, record } = await attempt(request, 'attempt_open')
      assert.deepEqual([told, record.error], [0, errno])
    })
  }

  test('no free port: no error, no port', async () => {
    namespace.run('sysctl', '-qw', 'net.ipv4.ip_local_port_range=40000 40000')
    const kept = await peers
      .ask<{ client_port: number; server_port: number }>('keep', {})
      .catch(() => undefined)
    assert.equal(kept, undefined, 'server and client cannot both have the only port')
    const server = await peers.ask('listen_on', { address: '127.0.0.1', port: 7003 })
    assert.ok(server)
    await peers.ask('connect_to', { address: '127.0.0.1', port: 7003 })
    const { told, record } = await attempt({ address: '127.0.0.1', port: 7003 })
    assert.deepEqual([told, record.error, record.local_port], [noPort, 0, 0])
  })
})
