// A day of flow rows made by the engine itself: 301 processes, 18,881 sources, 200,299 destinations, 65 % of
// the rows the only one of their connection, the rest intervals of 20,000 long ones. Names and addresses are
// skewed, as they are in life. Nothing is random: the same size always gives the same rows.

import type { Sql } from '../../test/sql.ts'

export interface Filled {
  readonly rows: number
  /** Of the day, nanoseconds since 1970. */
  readonly fromNs: bigint
  readonly toNs: bigint
}

const chunkRows = 1_000_000
const secondsOfDay = 86_400
export const nodes = 10
/** So many flows for each event. */
const eventShare = 10
const intervalSeconds = 5

/** Fills `flows` with `rows` rows, `events` with a tenth of that and `ledger` with what ten agents write in a day. */
export async function fillDay(sql: Sql, rows: number, endSeconds: number): Promise<Filled> {
  const begin = endSeconds - secondsOfDay
  for (let first = 0; first < rows; first += chunkRows) {
    const count = Math.min(chunkRows, rows - first)
    await sql.run(flowsSql({ first, count, rows, begin }), settings)
  }
  for (let first = 0; first < rows / eventShare; first += chunkRows) {
    const count = Math.min(chunkRows, Math.ceil(rows / eventShare) - first)
    await sql.run(eventsSql({ first, count, rows: Math.ceil(rows / eventShare), begin }), settings)
  }
  await sql.run(ledgerSql(begin), settings)
  return {
    rows,
    fromNs: BigInt(begin) * 1_000_000_000n,
    toNs: BigInt(endSeconds) * 1_000_000_000n,
  }
}

const settings = {
  max_execution_time: 120,
  max_memory_usage: 1_500_000_000,
  max_insert_threads: 1,
  max_insert_block_size: chunkRows,
  min_insert_block_size_rows: chunkRows,
  insert_deduplicate: 0,
}

interface Chunk {
  readonly first: number
  readonly count: number
  readonly rows: number
  readonly begin: number
}

/** Two of three are of connections, one is a drop for one of six reasons; ends as in `flowsSql`. */
function eventsSql({ first, count, rows, begin }: Chunk): string {
  const columns: readonly (readonly [string, string])[] = [
    ['time', `fromUnixTimestamp64Nano(t, 'UTC')`],
    ['node', `concat('node-', toString(c % ${nodes}))`],
    ['kind', `if(drop, 'drop', 'connection')`],
    ['phase', `if(drop, '', ['attempt', 'established', 'closed'][1 + r % 3])`],
    ['protocol', `'tcp'`],
    ['src_address', `toIPv6(concat('::ffff:', IPv4NumToString(toUInt32(167772160 + c % 18881))))`],
    ['src_port', '32768 + c % 28000'],
    ['dst_address', `toIPv6(concat('::ffff:', IPv4NumToString(toUInt32(184549376 + c % 200299))))`],
    ['dst_port', `if(c % 50021 = 0, 7777, [443, 5432, 6379, 80][1 + c % 4])`],
    ['count', 'if(drop, 1 + c % 100, 1)'],
    ['bytes', 'if(drop, 60 * (1 + c % 100), 0)'],
    [
      'reason',
      `if(drop, ['NETFILTER_DROP', 'NO_SOCKET', 'TCP_CSUM', 'SOCKET_RCVBUFF', 'TCP_FLAGS', 'IP_INADDRERRORS'][1 + c % 6], '')`,
    ],
    ['connection_id', `cityHash64(c, 'id')`],
    ['src_process', `concat('process-', toString(c % 301))`],
    ['src_pid', '1000 + c % 30000'],
  ]
  return `INSERT INTO events (${columns.map(([name]) => `\`${name}\``).join(', ')})
SELECT ${columns.map(([name, expression]) => `${expression} AS \`${name}\``).join(',\n  ')}
FROM (
  SELECT number AS r, number % 3 = 2 AS drop, cityHash64(number) AS c,
    toInt64(${begin}) * 1000000000 + intDiv(toInt64(number) * ${secondsOfDay}000000, intDiv(${rows}, 1000)) AS t
  FROM numbers(${first}, ${count})
)`
}

/** `r` is the row, `c` its connection; every other value is a hash of one of them. */
function flowsSql({ first, count, rows, begin }: Chunk): string {
  const skewed = (what: string, most: number) =>
    `toUInt32(floor(pow((cityHash64(c, '${what}') % 1000003) / 1000003, 3) * ${most}))`
  const columns: readonly (readonly [string, string])[] = [
    ['time', `fromUnixTimestamp64Nano(t, 'UTC')`],
    ['start', "fromUnixTimestamp64Nano(toInt64(t - 1000000 * (1 + c % 9000)), 'UTC')"],
    ['end', `if(lone, fromUnixTimestamp64Nano(toInt64(t - 1000), 'UTC'), NULL)`],
    ['node', `concat('node-', toString(c % ${nodes}))`],
    ['view', `'socket'`],
    ['observer', `['src', 'dst', 'both'][1 + c % 3]`],
    ['protocol', `'tcp'`],
    [
      'src_address',
      `toIPv6(concat('::ffff:', IPv4NumToString(toUInt32(167772160 + ${skewed('src', 18_881)}))))`,
    ],
    ['src_port', `32768 + cityHash64(c, 'sport') % 28000`],
    [
      'dst_address',
      `toIPv6(concat('::ffff:', IPv4NumToString(toUInt32(184549376 + ${skewed('dst', 200_299)}))))`,
    ],
    [
      'dst_port',
      `if(c % 50021 = 0, 7777, [443, 5432, 6379, 80, 8080, 9092, 53, 3306][1 + ${skewed('port', 8)}])`,
    ],
    ['bytes', `toUInt64(exp2(4 + cityHash64(r, 'b') % 160 / 10))`],
    ['packets', `1 + cityHash64(r, 'p') % 40`],
    ['reverse_bytes', `toUInt64(exp2(4 + cityHash64(r, 'rb') % 200 / 10))`],
    ['reverse_packets', `1 + cityHash64(r, 'rp') % 40`],
    ['retransmits', 'if(r % 41 = 0, 1, 0)'],
    ['reverse_retransmits', 'if(c % 3 = 2, 0, NULL)'],
    ['total_bytes', 'bytes * 2'],
    ['total_reverse_bytes', 'reverse_bytes * 2'],
    ['rtt_ns', `if(c % 23 = 0, NULL, toUInt64(exp2(14 + cityHash64(r, 'rtt') % 1300 / 100)))`],
    ['rtt_min_ns', 'rtt_ns - rtt_ns % 1000'],
    ['state', `if(lone, 'closed', 'established')`],
    ['end_reason', `if(lone, if(c % 97 = 0, 'refused', 'closed'), '')`],
    ['errno', `if(lone AND c % 97 = 0, 'ECONNREFUSED', '')`],
    ['direction_known', '1'],
    ['opened', 'toUInt8(lone)'],
    ['connection_id', `cityHash64(c, 'id')`],
    ['interface', `'eth0'`],
    ['src_process', `concat('process-', toString(${skewed('sproc', 301)}))`],
    ['src_pid', '1000 + c % 30000'],
    ['src_uid', 'c % 5'],
    ['src_netns', '4026531840'],
    ['src_cgroup_id', 'c % 400'],
    ['src_process_source', `'io'`],
    ['src_unit', `concat('unit-', toString(c % 60), '.service')`],
    ['dst_process', `concat('process-', toString(${skewed('dproc', 301)}))`],
    ['dst_pid', '1000 + c % 29000'],
    ['dst_netns', '4026531840'],
  ]
  return `INSERT INTO flows (${columns.map(([name]) => `\`${name}\``).join(', ')})
SELECT ${columns.map(([name, expression]) => `${expression} AS \`${name}\``).join(',\n  ')}
FROM (
  SELECT number AS r, cityHash64(number) % 100 < 65 AS lone,
    toInt64(${begin}) * 1000000000 + intDiv(toInt64(number) * ${secondsOfDay}000000, intDiv(${rows}, 1000)) AS t,
    if(lone, number + 1000000, cityHash64(number) % 20000) AS c
  FROM numbers(${first}, ${count})
)`
}

function ledgerSql(begin: number): string {
  const steps = secondsOfDay / intervalSeconds
  return `INSERT INTO ledger (time, start, node, stage, unit, entered, left)
SELECT toDateTime64(at + ${intervalSeconds}, 9, 'UTC'), toDateTime64(at, 9, 'UTC'), node, stage, 'records', 100, 100
FROM (
  SELECT ${begin} + intDiv(number, ${nodes}) * ${intervalSeconds} AS at,
    concat('node-', toString(number % ${nodes})) AS node
  FROM numbers(${steps * nodes})
) ARRAY JOIN ['hook', 'drain', 'enrich', 'spool'] AS stage`
}
