// Reads structures and enums out of the BTF of an object, for the layout generator, and a function's number out of the
// kernel's. Format: Documentation/bpf/btf.rst.

export interface BtfMember {
  readonly name: string
  readonly byte: number
  readonly bytes: number
}

export interface BtfStruct {
  readonly bytes: number
  readonly members: readonly BtfMember[]
}

export interface Btf {
  /** Throws if there is none of that name, or if a member is a bit field. */
  struct(name: string): BtfStruct
  /** Names and values in their order; throws if there is none of that name. */
  enumeration(name: string): readonly (readonly [string, number])[]
}

interface BtfType {
  readonly kind: number
  readonly name: string
  /** Octets, or the type referred to. */
  readonly sizeOrType: number
  readonly count: number
  readonly bitFields: boolean
  /** Where what follows the common part begins. */
  readonly at: number
}

const kindArray = 3
const kindStruct = 4
const kindEnum = 6
const kindPointer = 2
const kindFunction = 12
/** typedef, volatile, const, restrict, type tag: no size of their own. */
const transparent = new Set([8, 9, 10, 11, 18])
/** Octets after the common 12: fixed per kind, and per element. */
const fixedBytes: Readonly<Record<number, number>> = { 1: 4, 3: 12, 14: 4, 17: 4 }
const elementBytes: Readonly<Record<number, number>> = { 4: 12, 5: 12, 6: 8, 13: 8, 15: 12, 19: 12 }
const kindMax = 19

export function readBtf(bytes: Uint8Array): Btf {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const types = readTypes(bytes, view)
  const find = (kind: number, name: string) => {
    const found = types.find((type) => type?.kind === kind && type.name === name)
    if (found === undefined) throw new Error(`BTF has no ${name} of kind ${kind}`)
    return found
  }
  return {
    struct: (name) => readStruct(view, types, find(kindStruct, name)),
    enumeration: (name) => readEnum(bytes, view, find(kindEnum, name)),
  }
}

/** The number of the type that is the function of this name; 0 if there is none. */
export function functionId(bytes: Buffer, name: string): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const strings = view.getUint32(4, true) + view.getUint32(16, true)
  const text = bytes.indexOf(`\0${name}\0`, strings, 'latin1') + 1 - strings
  let id = 0
  let found = 0
  eachType(bytes, view, (at, kind) => {
    id++
    if (kind === kindFunction && view.getUint32(at, true) === text) found = id
  })
  return found
}

function readTypes(bytes: Uint8Array, view: DataView): readonly (BtfType | undefined)[] {
  const types: (BtfType | undefined)[] = [undefined] // type 0 is void
  eachType(bytes, view, (at, kind, info) => {
    types.push({
      kind,
      count: info & 0xffff,
      name: stringAt(bytes, view, view.getUint32(at, true)),
      sizeOrType: view.getUint32(at + 8, true),
      bitFields: info >>> 31 === 1,
      at: at + 12,
    })
  })
  return types
}

/** Where each type begins, from type 1 on. */
function eachType(
  bytes: Uint8Array,
  view: DataView,
  take: (at: number, kind: number, info: number) => void,
): void {
  if (bytes.length < 24 || view.getUint16(0, true) !== 0xeb9f) throw new Error('not BTF')
  const start = view.getUint32(4, true) + view.getUint32(8, true)
  const end = start + view.getUint32(12, true)
  if (end > bytes.length) throw new Error('BTF is cut off')
  for (let at = start; at < end; ) {
    const info = view.getUint32(at + 4, true)
    const kind = (info >>> 24) & 0x1f
    if (kind === 0 || kind > kindMax) throw new Error(`unknown BTF kind ${kind}`)
    take(at, kind, info)
    at += 12 + (fixedBytes[kind] ?? 0) + (elementBytes[kind] ?? 0) * (info & 0xffff)
  }
}

function stringAt(bytes: Uint8Array, view: DataView, offset: number): string {
  const start = view.getUint32(4, true) + view.getUint32(16, true) + offset
  const end = bytes.indexOf(0, start)
  return Buffer.from(bytes.subarray(start, end)).toString('latin1')
}

function readStruct(
  view: DataView,
  types: readonly (BtfType | undefined)[],
  type: BtfType,
): BtfStruct {
  if (type.bitFields) throw new Error(`${type.name} has bit fields`)
  const bytes = new Uint8Array(view.buffer, view.byteOffset, view.byteLength)
  const members = Array.from({ length: type.count }, (_, index) => {
    const at = type.at + index * 12
    return {
      name: stringAt(bytes, view, view.getUint32(at, true)),
      byte: view.getUint32(at + 8, true) / 8,
      bytes: sizeOf(view, types, view.getUint32(at + 4, true)),
    }
  })
  return { bytes: type.sizeOrType, members }
}

function sizeOf(view: DataView, types: readonly (BtfType | undefined)[], id: number): number {
  const type = types[id]
  if (type === undefined) throw new Error(`BTF has no type ${id}`)
  if (transparent.has(type.kind)) return sizeOf(view, types, type.sizeOrType)
  if (type.kind === kindPointer) return 8
  if (type.kind !== kindArray) return type.sizeOrType
  return sizeOf(view, types, view.getUint32(type.at, true)) * view.getUint32(type.at + 8, true)
}

function readEnum(bytes: Uint8Array, view: DataView, type: BtfType) {
  return Array.from({ length: type.count }, (_, index) => {
    const at = type.at + index * 8
    return [stringAt(bytes, view, view.getUint32(at, true)), view.getInt32(at + 4, true)] as const
  })
}
