// Community ID v1, seed 0 (https://github.com/corelight/community-id-spec), as SQL over the flow columns:
// '1:' + base64(sha1(seed u16, lower address, higher address, protocol u8, 0, lower port, higher port)),
// all in network order, the ends sorted by address then port, v4 addresses as four octets.

const octets = (address: string) =>
  `if(startsWith(hex(${address}), repeat('0', 20) || 'FFFF'), ` +
  `substring(unhex(hex(${address})), 13, 4), unhex(hex(${address})))`

const port = (name: string) => `char(intDiv(${name}, 256), ${name} % 256)`

const end = (side: 'src' | 'dst') => `tuple(${octets(`${side}_address`)}, ${port(`${side}_port`)})`

const ends = `arraySort([${end('src')}, ${end('dst')}])`

const number = "transform(protocol, ['tcp', 'udp', 'sctp'], [6, 17, 132], 0)"

/** Empty for protocols without ports. */
export const communityIdSql =
  `if(${number} = 0, '', '1:' || base64Encode(SHA1(concat(char(0, 0), ` +
  `${ends}[1].1, ${ends}[2].1, char(${number}, 0), ${ends}[1].2, ${ends}[2].2))))`
