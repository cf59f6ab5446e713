// Numbers of packet headers as words.

import { ipProtocols } from '../../wire/mod.ts'

/** Of the IP header; 0 is what has none. */
export function protocolName(protocol: number): string {
  return ipProtocols[protocol] ?? ''
}

/** In the order of the header: C E U A P R S F. */
const letters = 'FSRPAUEC'

export function tcpFlagLetters(flags: number): string {
  let text = ''
  for (let bit = 7; bit >= 0; bit--) if ((flags >> bit) & 1) text += letters[bit]
  return text
}
