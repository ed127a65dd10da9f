/** Opcodes of the 128-bit vector operations used here, after the 0xFD prefix (Core Specification 2.0, §5.4.8). */
// biome-ignore format: one table
export const Simd = {
  swizzle: 14,
  not: 77,
  /** first AND NOT second */
  andNot: 79,
  anyTrue: 83,
  i8x16: {
    eq: 35, ne: 36, ltS: 37, gtS: 39, bitmask: 100, narrowS: 101, narrowU: 102, add: 110, addSatS: 111,
    addSatU: 112, sub: 113, subSatS: 114, subSatU: 115, abs: 96, leS: 41, geS: 43, shl: 107, shrS: 108, shrU: 109, minS: 118, minU: 119, maxS: 120, maxU: 121, averageU: 123,
  },
  i16x8: {
    eq: 45, ne: 46, gtS: 49, leS: 51, geS: 53, abs: 128, mulRoundS: 130, bitmask: 132, extendLowS: 135, extendHighS: 136,
    extendLowU: 137, extendHighU: 138, addPairsU: 125, narrowS: 133, narrowU: 134, shl: 139, shrS: 140, shrU: 141, add: 142,
    addSatS: 143, addSatU: 144, sub: 145, subSatS: 146, subSatU: 147, mul: 149, minS: 150, minU: 151, maxS: 152,
    maxU: 153, averageU: 155,
  },
  i32x4: {
    eq: 55, ne: 56, gtS: 59, abs: 160, extendLowS: 167, extendHighS: 168, extendLowU: 169, extendHighU: 170, addPairsU: 127, bitmask: 164, shl: 171, shrS: 172, shrU: 173, add: 174, sub: 177,
    mul: 181, minS: 182, minU: 183, maxS: 184, maxU: 185, dot: 186, mulLowS: 188, mulHighS: 189, mulLowU: 190,
    mulHighU: 191,
  },
  i64x2: {
    bitmask: 196, extendLowS: 199, extendLowU: 201, shl: 203, shrS: 204, shrU: 205, add: 206, sub: 209, mul: 213, eq: 214, ne: 215, gtS: 217, mulLowS: 220, mulLowU: 222,
  },
  f32x4: { nearest: 106, abs: 224, truncateS: 248, convertS: 250, eq: 65, ne: 66, lt: 67, le: 69, demoteLow: 94, sqrt: 227, add: 228, sub: 229, mul: 230, div: 231 },
  f64x2: {
    nearest: 148, abs: 236, truncateS: 252, eq: 71, ne: 72, lt: 73, le: 75, promoteLow: 95, sqrt: 239, add: 240, sub: 241, mul: 242, div: 243,
    convertLowS: 254,
  },
} as const;
