// Random text for properties.

import fc from 'fast-check'

const codePoint = fc.oneof(
  { arbitrary: fc.integer({ min: 0, max: 0x7f }), weight: 3 },
  { arbitrary: fc.integer({ min: 0, max: 0xd7ff }), weight: 1 },
  { arbitrary: fc.integer({ min: 0xe000, max: 0x10_ffff }), weight: 1 },
)

/** Text of any code points but lone surrogates, ASCII often. The library's own unit `binary` takes 3 s to make. */
export const anyText: fc.Arbitrary<string> = fc
  .array(codePoint)
  .map((points) => String.fromCodePoint(...points))
