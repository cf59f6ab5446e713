// The only door to the kernel: probes are opened here, and nothing else of Weir speaks to bpf.

export {
  dropFlag,
  dropKind,
  dropRecordByte,
  dropRecordBytes,
  dropRecordWord,
} from './layout/drop-record.ts'
export {
  flowCounterNames,
  flowDirection,
  flowFlag,
  flowRecordByte,
  flowRecordBytes,
  flowRecordWord,
  packetFault,
} from './layout/flow-record.ts'
export {
  counterNames,
  ownerSource,
  socketFlag,
  socketKind,
  socketRecordByte,
  socketRecordBytes,
  socketRecordWord,
  socketRole,
  tcpState,
} from './layout/socket-record.ts'
export {
  xdpEventByte,
  xdpEventFlag,
  xdpEventWord,
} from './layout/xdp-event.ts'
export { bootNs, bootToWallNs } from './loader/clock.ts'
export { fail as kernelError, kernelErrors } from './loader/errors.ts'
export { namesOf as symbolsOf } from './loader/kallsyms.ts'
export { kernelEnum } from './loader/kernel-enum.ts'
export { type NetworkNamespace, networkNamespaces } from './loader/namespace.ts'
export type { CapturedFrame, PacketSocket } from './loader/packet-socket.ts'
export { releaseProgramPages } from './loader/program-pages.ts'
export {
  begins,
  type Condition,
  type ConditionField,
  type ConditionPrefix,
  conditionsMax,
  numberOctets,
} from './probes/conditions.ts'
export { doctor } from './probes/doctor.ts'
export { packetsOf as packetsOfDrops } from './probes/drop/packets.ts'
export { chosen as isChosenInterface } from './probes/flow/choose.ts'
export type { FlowSink } from './probes/flow/flow-sums.ts'
export { type CapturedPacket, openReplay, packetLink, type Replay } from './probes/flow/replay.ts'
export {
  type OpenedProbes,
  openProbes,
  type ProbeFailure,
  probeSpecs,
  programStates,
} from './probes/registry.ts'
export type { DoctorReport, ProbeVerdict, ProgramReport, ProgramState } from './probes/report.ts'
export type { CounterName, SocketProbe } from './probes/socket/probe.ts'
export type {
  CounterMeaning,
  EventSpec,
  InterfaceLinks,
  Living,
  OpenProbe,
  ProbeOptions,
  ProbeSpec,
  RecordMember,
  RecordSink,
  WatchedInterface,
  XdpWatch,
} from './probes/spec.ts'
export { type HookChoice, hookChoices } from './probes/spec.ts'
export {
  placeOf,
  readCounters as readXdpCounters,
  withLock,
  type XdpStatus,
  type XdpTarget,
} from './probes/xdp/attach.ts'
export {
  attachPinnedXdp,
  detachPinnedXdp,
  openCapture,
  pinnedXdpStatus,
  type WatchedXdp,
  watchXdp,
} from './probes/xdp/door.ts'
export type { LoadedRule } from './probes/xdp/generation.ts'
export { type Hit, type HitReader, openHits } from './probes/xdp/hits.ts'
export { createPacketLabels, type PacketLabels } from './probes/xdp/labels.ts'
export { eventOf as xdpEventOf, type XdpEvent } from './probes/xdp/packet-event.ts'
export {
  findPinned,
  listPinned,
  openPinned,
  type PinnedXdp,
  pinRootDefault,
  type XdpMaps,
} from './probes/xdp/pinned.ts'
export { packetHeadByte, packetRecordBytes } from './probes/xdp/probe.ts'
export {
  type ProtectedConnection,
  protect,
  protectOwn,
  readProtected,
} from './probes/xdp/protected.ts'
export {
  openReader,
  type ReaderCounts,
  type ReaderWish,
  type XdpReader,
} from './probes/xdp/readers.ts'
export { createRuleNames, type RuleNames } from './probes/xdp/rule-names.ts'
export {
  applyRules,
  confirmRules,
  lastingRules,
  rulesInForce,
  summarizeRules,
} from './probes/xdp/rule-store.ts'
export { formatAddress, formatPrefix, parseAddress, parsePrefix } from './rules/address.ts'
export { ruleKey } from './rules/compile.ts'
export type { MatchedPacket } from './rules/matcher.ts'
export type { Prefix, Rule } from './rules/rule.ts'
export {
  formatRule,
  parseRate,
  parseRules,
  protocolName,
  type RuleMistake,
} from './rules/text.ts'
