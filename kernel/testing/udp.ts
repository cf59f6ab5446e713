// UDP over IPv4, written out: frames for runs without a hook, and datagrams between namespaces of a test.

/** From 10.0.0.1 to 10.0.0.2, port 40000 to `port`; checksums are zero. */
export function udpFrame(port: number, payloadBytes: number): Uint8Array {
  const frame = new Uint8Array(14 + 20 + 8 + payloadBytes)
  const view = new DataView(frame.buffer)
  view.setUint16(12, 0x0800)
  view.setUint8(14, 0x45)
  view.setUint16(16, 28 + payloadBytes)
  view.setUint8(14 + 8, 64)
  view.setUint8(14 + 9, 17)
  view.setUint32(14 + 12, 0x0a000001)
  view.setUint32(14 + 16, 0x0a000002)
  view.setUint16(34, 40_000)
  view.setUint16(36, port)
  view.setUint16(38, 8 + payloadBytes)
  return frame
}
