// From where frames of XDP telemetry are taken: they say nothing that proves who sent them.

import { BlockList, isIP } from 'node:net'

/** Loopback and the given addresses and prefixes; a unix socket has no address, and only this user opens it. */
export function createAllowed(prefixes: readonly string[]) {
  const list = new BlockList()
  for (const prefix of ['127.0.0.0/8', '::1', ...prefixes]) {
    const [address = '', bits] = prefix.split('/')
    const family = isIP(address) === 4 ? 'ipv4' : 'ipv6'
    list.addSubnet(address, Number(bits ?? (family === 'ipv4' ? 32 : 128)), family)
  }
  return (address: string | undefined): boolean => {
    if (address === undefined) return true
    const plain = address.replace(/^::ffff:(?=\d+\.)/i, '')
    const family = isIP(plain)
    return family !== 0 && list.check(plain, family === 4 ? 'ipv4' : 'ipv6')
  }
}
