// Writes down, as TypeScript, how the records of a probe lie in memory: from the BTF of the object that is shipped,
// so that the two cannot differ.

import { type Btf, readBtf } from '../kernel/loader/btf.ts'
import { readElf } from '../kernel/loader/elf.ts'
import type { ProbeSpec, RecordSpec } from '../kernel/probes/spec.ts'

/** The text of a probe's file in kernel/layout/ for this object file. */
export function recordLayout(
  { name, records }: Pick<ProbeSpec, 'name' | 'records'>,
  object: Uint8Array,
): string {
  const btf = readBtf(readElf(object).section('.BTF'))
  const header =
    `// Generated from the BTF of kernel/build/${name}.bpf.o by tools/generate.ts. Do not edit.\n` +
    `// Names and meanings: ${records.header}.`
  const enums = records.enums.map(({ name: generated, type, cut, help }) => {
    const values = btf.enumeration(type).map(([key, value]) => `${key.slice(cut.length)}: ${value}`)
    return table(`/** ${help} */\nexport const ${generated} = {`, values)
  })
  const parts = [header, ...recordTables(btf, records), ...enums, counterTable(btf, records)]
  return `${parts.join('\n\n')}\n`
}

/** Names of the counters in the order of the map. */
export function counterNamesOf(records: RecordSpec, object: Uint8Array): readonly string[] {
  return namesIn(readBtf(readElf(object).section('.BTF')), records)
}

function recordTables(btf: Btf, { struct, prefix }: RecordSpec): string[] {
  const { bytes, members: all } = btf.struct(struct)
  const members = all.filter((member) => member.name !== 'padding')
  const aligned = members.filter((member) => member.byte % 4 === 0 && member.bytes >= 4)
  return [
    `/** Size of one record in octets; always whole u32 words. */\nexport const ${prefix}Bytes = ${bytes}`,
    table(
      `/** Where each member begins, in octets from the start of the record. */\nexport const ${prefix}Byte = {`,
      members.map((member) => `${member.name}: ${member.byte}`),
    ),
    table(
      `/** The same in u32 words, for members that are whole words; 64-bit ones: low word first. */\nexport const ${prefix}Word = {`,
      aligned.map((member) => `${member.name}: ${member.byte / 4}`),
    ),
  ]
}

function counterTable(btf: Btf, records: RecordSpec): string {
  const names = namesIn(btf, records).map((name) => `  '${name}',`)
  const help = `/** What the programs count, in the order of the map: ${records.counters.header}. */`
  return `${help}\nexport const ${records.counters.name} = [\n${names.join('\n')}\n] as const`
}

function namesIn(btf: Btf, { counters }: RecordSpec): readonly string[] {
  const names = btf.enumeration(counters.enum).map(([name]) => name.slice('COUNTER_'.length))
  return names.filter((name) => name !== 'COUNT').map((name) => name.toLowerCase())
}

function table(opening: string, lines: readonly string[]): string {
  return `${opening}\n${lines.map((line) => `  ${line},`).join('\n')}\n} as const`
}
