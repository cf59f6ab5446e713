// Writes down, as TypeScript, how the socket probe's records lie in memory: from the BTF of the object that
// is shipped, so that the two cannot differ.

import { type Btf, readBtf } from '../kernel/loader/btf.ts'
import { readElf } from '../kernel/loader/elf.ts'

const enums = [
  ['socketKind', 'socket_kind', 'SOCKET_', 'Value of `kind`.'],
  ['socketRole', 'socket_role', 'ROLE_', 'Value of `role`: who sent the first SYN.'],
  ['ownerSource', 'owner_source', 'OWNER_', 'Value of `owner_source`; larger is better knowledge.'],
  ['socketFlag', 'socket_flag', 'FLAG_', 'Bits of `flags`.'],
  ['tcpState', 'tcp_state', 'TCP_', 'Value of `state`.'],
] as const

/** The text of kernel/layout/socket-record.ts for this object file. */
export function socketRecordLayout(object: Uint8Array): string {
  const btf = readBtf(readElf(object).section('.BTF'))
  const header =
    '// Generated from the BTF of kernel/build/socket.bpf.o by tools/generate.ts. Do not edit.\n' +
    '// Names and meanings: kernel/include/socket_record.h.'
  const tables = enums.map(([name, type, prefix, help]) => {
    const values = btf
      .enumeration(type)
      .map(([key, value]) => `${key.slice(prefix.length)}: ${value}`)
    return table(`/** ${help} */\nexport const ${name} = {`, values)
  })
  return `${[header, ...recordTables(btf), ...tables, counterTable(btf)].join('\n\n')}\n`
}

function recordTables(btf: Btf): string[] {
  const { bytes, members: all } = btf.struct('socket_record')
  const members = all.filter((member) => member.name !== 'padding')
  const aligned = members.filter((member) => member.byte % 4 === 0 && member.bytes >= 4)
  return [
    `/** Size of one record in octets; always whole u32 words. */\nexport const socketRecordBytes = ${bytes}`,
    table(
      '/** Where each member begins, in octets from the start of the record. */\nexport const socketRecordByte = {',
      members.map((member) => `${member.name}: ${member.byte}`),
    ),
    table(
      '/** The same in u32 words, for members that are whole words; 64-bit ones: low word first. */\nexport const socketRecordWord = {',
      aligned.map((member) => `${member.name}: ${member.byte / 4}`),
    ),
  ]
}

function counterTable(btf: Btf): string {
  const names = btf.enumeration('socket_counter').map(([name]) => name.slice('COUNTER_'.length))
  const kept = names.filter((name) => name !== 'COUNT').map((name) => `  '${name.toLowerCase()}',`)
  const help = '/** What the programs count, in the order of the map: kernel/include/counters.h. */'
  return `${help}\nexport const counterNames = [\n${kept.join('\n')}\n] as const`
}

function table(opening: string, lines: readonly string[]): string {
  return `${opening}\n${lines.map((line) => `  ${line},`).join('\n')}\n} as const`
}
