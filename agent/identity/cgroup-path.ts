// A cgroup path → the systemd unit or the container it stands for. Only names decide, so it is a pure function.

export interface CgroupOwner {
  /** systemd unit, escapes decoded; '' for a container or none. */
  readonly unit: string
  /** Full container id, 64 hex digits; '' for none. */
  readonly container: string
}

const containerShapes: readonly RegExp[] = [
  // docker-ID.scope, cri-containerd-ID.scope, crio-ID.scope, libpod-ID.scope (systemd driver)
  /^(?:docker|cri-containerd|crio|libpod|nerdctl)-([0-9a-f]{64})\.scope$/,
  // kubepods-….slice:cri-containerd:ID (containerd without the systemd driver under systemd)
  /:(?:cri-containerd|crio|docker|nerdctl|default):([0-9a-f]{64})$/,
  // libpod-ID, crio-ID (cgroupfs driver)
  /^(?:libpod|crio)-([0-9a-f]{64})$/,
]

/** Parents below which a bare 64-digit name is a container: /docker/ID, /kubepods/…/podUID/ID, /default/ID. */
const bareParent =
  /(?:^|\/)(?:docker|kubepods(?:\.slice)?|containerd|default|k8s\.io|ecs|actions_job)(?:\/|$)/

/** Reads the deepest component that means something; nested cgroups of a service belong to the service. */
export function ownerOfCgroup(path: string): CgroupOwner {
  const parts = path.split('/')
  for (let index = parts.length - 1; index >= 0; index--) {
    const container = containerId(parts, index)
    if (container) return { unit: '', container }
  }
  const unit = parts.findLast((part) => /\.(?:service|scope|slice)$/.test(part)) ?? ''
  return { unit: decodeUnit(unit), container: '' }
}

function containerId(parts: readonly string[], index: number): string | undefined {
  const part = parts[index] as string
  for (const shape of containerShapes) {
    const found = shape.exec(part)
    if (found) return found[1]
  }
  if (!/^[0-9a-f]{64}$/.test(part)) return undefined
  return bareParent.test(parts.slice(0, index).join('/')) ? part : undefined
}

/** systemd writes octets that a unit name may not have as \xHH. */
function decodeUnit(unit: string): string {
  if (!unit.includes('\\x')) return unit
  const octets: number[] = []
  for (const [text, hex] of unit.matchAll(/\\x([0-9a-f]{2})|[^\\]+|\\/g)) {
    if (hex) octets.push(Number.parseInt(hex, 16))
    else octets.push(...Buffer.from(text))
  }
  return Buffer.from(octets).toString()
}
