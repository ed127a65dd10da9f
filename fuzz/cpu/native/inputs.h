/*
 * Makes input records: edge-heavy values, since uniform ones almost never set ZF, meet a NaN or carry out of a byte,
 * and then the descriptor's fixups, which give registers and memory what the instruction wants.
 */
#ifndef INPUTS_H
#define INPUTS_H

static uint64_t seed_state;

/* SplitMix64. */
static inline uint64_t next(void) {
  uint64_t z = (seed_state += 0x9e3779b97f4a7c15u);
  z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
  z = (z ^ z >> 27) * 0x94d049bb133111ebu;
  return z ^ z >> 31;
}

static const uint64_t edges[32] = {
  0, 1, 2, ~0ul, ~1ul, 0x7f, 0x80, 0x81, 0xff, 0x100, 0x7fff, 0x8000, 0xffff, 0x10000, 0x7fffffff, 0x80000000,
  0x80000001, 0xffffffff, 0x100000000, 0x7fffffffffffffff, 0x8000000000000000, 0x8000000000000001, 0xffffffff80000000,
  0xffffffff7fffffff, 0xffffffffffff8000, 0xffffffffffffff80, 0xaaaaaaaaaaaaaaaa, 0x5555555555555555,
  0x0f0f0f0f0f0f0f0f, 0x8080808080808080, 0x0000ffff0000ffff, 0x9999999999999999};

static uint64_t integer(void) {
  uint64_t choice = next();
  uint64_t shift = choice >> 8 & 63;
  switch (choice & 15) {
    case 0: case 1: case 2: case 3: return next();
    case 4: case 5: case 6: case 7: return edges[shift & 31];
    case 8: case 9: return (1ul << shift) + (choice >> 16) % 3 - 1;
    case 10: return -(1ul << shift) + (choice >> 16) % 3 - 1;
    case 11: return choice >> 16 & 0xff;
    case 12: return next() << (8 << (choice >> 16 & 3) & 63) | (edges[shift & 31] & 0xff);
    case 13: return (next() & 0xffffffff00000000) | (uint32_t)edges[shift & 31];
    case 14: return (next() & 0xffffffffffff0000) | (uint16_t)edges[shift & 31];
    default: return next() >> shift;
  }
}

/* A number in a binary format: sign, exponent and fraction are chosen apart. */
static uint64_t binary(int exponent_bits, int fraction_bits) {
  uint64_t choice = next();
  uint64_t most = (1ul << exponent_bits) - 1, bias = most >> 1;
  uint64_t fraction_mask = (1ul << fraction_bits) - 1;
  uint64_t exponent, fraction;
  switch (choice & 15) {
    case 0: exponent = 0; break;
    case 1: exponent = most; break;
    case 2: exponent = 1; break;
    case 3: exponent = most - 1; break;
    case 4: exponent = choice >> 32 & most; break;
    case 5: exponent = bias + 62 + (choice >> 32) % 4; break;
    case 6: exponent = bias + 30 + (choice >> 32) % 4; break;
    case 7: exponent = bias - (uint64_t)fraction_bits + (choice >> 32) % 4; break;
    default: exponent = bias - 8 + (choice >> 32) % 32; break;
  }
  switch (choice >> 4 & 7) {
    case 0: case 1: fraction = 0; break;
    case 2: fraction = fraction_mask; break;
    case 3: fraction = 1ul << (choice >> 16) % (unsigned)fraction_bits; break;
    case 4: fraction = fraction_mask & ~(fraction_mask >> (1 + (choice >> 16 & 15))); break;
    default: fraction = next(); break;
  }
  return (choice >> 8 & 1) << (exponent_bits + fraction_bits) | (exponent & most) << fraction_bits | (fraction & fraction_mask);
}

/* An 80-bit number, with the unnormal and pseudo-denormal ones that no arithmetic makes. */
static void extended(uint8_t *to) {
  uint64_t choice = next();
  uint16_t exponent;
  uint64_t significand;
  switch (choice & 15) {
    case 0: exponent = 0; break;
    case 1: exponent = 0x7fff; break;
    case 2: exponent = 1; break;
    case 3: exponent = 0x7ffe; break;
    case 4: exponent = choice >> 32 & 0x7fff; break;
    case 5: exponent = 0x3fff + 61 + (choice >> 32) % 5; break;
    case 6: exponent = 0x3fff - 1024 - 66 + (choice >> 32) % 70; break;
    case 7: exponent = 0x3fff + 1020 + (choice >> 32) % 6; break;
    case 8: exponent = 0x3fff - 128 - 26 + (choice >> 32) % 30; break;
    case 9: exponent = 0x3fff + 125 + (choice >> 32) % 5; break;
    default: exponent = 0x3fff - 8 + (choice >> 32) % 40; break;
  }
  switch (choice >> 4 & 7) {
    case 0: significand = 1ul << 63; break;
    case 1: significand = ~0ul; break;
    case 2: significand = 1ul << 63 | 1ul << (choice >> 16 & 63); break;
    case 3: significand = ~0ul << (choice >> 16 & 63); break;
    case 4: significand = next() & ~0ul << (choice >> 16 & 63); break;
    case 5: significand = (choice >> 60) ? next() | 1ul << 63 : integer(); break;
    default: significand = next(); break;
  }
  if (exponent == 0 ? choice >> 24 & 1 : (choice >> 24 & 63) == 0) significand &= ~(1ul << 63);
  else significand |= 1ul << 63;
  if (exponent == 0 && (choice >> 25 & 3) == 0) significand = 0;
  exponent |= (choice >> 40 & 1) << 15;
  memcpy(to, &significand, 8);
  memcpy(to + 8, &exponent, 2);
}

/* `size` bytes, a multiple of 16, of lanes. */
static void lanes(uint8_t *to, unsigned size, uint64_t values) {
  for (unsigned at = 0; at < size; at += 16) {
    uint64_t choice = next();
    uint64_t words[2] = {0, 0};
    if ((choice & 7) == 0 && at >= 16) {
      memcpy(words, to + (choice >> 8) % (at / 16) * 16, 16);
    } else if (values == VALUES_SINGLE) {
      for (int n = 0; n < 4; n++) words[n >> 1] |= binary(8, 23) << 32 * (n & 1);
    } else if (values == VALUES_DOUBLE) {
      words[0] = binary(11, 52);
      words[1] = binary(11, 52);
    } else if (values == VALUES_HALF) {
      for (int n = 0; n < 8; n++) words[n >> 2] |= binary(5, 10) << 16 * (n & 3);
    } else if (values == VALUES_EXTENDED) {
      extended((uint8_t *)words);
    } else {
      unsigned width = 8u << (choice >> 8 & 3);
      uint64_t mask = width == 64 ? ~0ul : (1ul << width) - 1;
      int uniform = (choice >> 12 & 3) == 0;
      for (unsigned n = 0; n < 128; n += width) words[n >> 6] |= ((uniform ? next() : integer()) & mask) << (n & 63);
    }
    memcpy(to + at, words, 16);
  }
}

static uint32_t random_mxcsr(int unmasked) {
  uint64_t choice = next();
  uint32_t value = 0x1f80 | (choice & 0x3f & (choice >> 6)) | (choice >> 16 & 0x6000);
  if ((choice >> 40 & 3) == 0) value |= choice >> 48 & 0x8040;
  if (unmasked) value &= ~(((uint32_t)(choice >> 50 & choice >> 56) & 0x3f) << 7);
  return value;
}

/* An FXSAVE image: x87 or MMX registers, mostly full, with some control word. */
static void fx_image(uint8_t *to, uint64_t values, int unmasked) {
  uint64_t choice = next();
  memset(to, 0, 512);
  uint16_t control = 0x037f;
  if (choice & 1) control = 0x003f | (choice >> 8 & 0x0f00) | 0x40;
  if (unmasked) control &= ~(uint16_t)((choice >> 24 & choice >> 30) & 0x3f);
  uint16_t status = (uint16_t)((choice >> 36 & 7) << 11) | (choice >> 40 & 0x4700);
  if ((choice >> 48 & 3) == 0) status |= choice >> 52 & 0x7f;
  if (unmasked == 0 || (choice >> 4 & 7)) status &= ~0x80u;
  if (status & ~control & 0x3f) status |= 0x8080;
  memcpy(to, &control, 2);
  memcpy(to + 2, &status, 2);
  uint64_t tags = choice >> 56;
  to[4] = (choice >> 2 & 3) == 0 ? (uint8_t)tags : (choice >> 2 & 3) == 1 ? (uint8_t)(tags | next()) : 0xff;
  uint32_t mxcsr = random_mxcsr(unmasked);
  memcpy(to + 24, &mxcsr, 4);
  for (int n = 0; n < 8; n++) {
    uint8_t *number = to + 32 + 16 * n;
    if (values == VALUES_INTEGERS) {
      lanes(number, 16, VALUES_INTEGERS);
      number[8] = number[9] = 0xff;
    } else if ((next() & 7) == 0 && n) {
      memcpy(number, number - 16, 10);
    } else {
      extended(number);
    }
    memset(number + 10, 0, 6);
  }
  lanes(to + 160, 256, values == VALUES_EXTENDED ? (next() & 3) % 3 : values);
}

static const uint8_t record_order[15] = {0, 1, 2, 3, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};

struct fixup {
  uint8_t operation, reg, a, b;
  uint32_t c;
  uint64_t value;
};

static uint64_t low_bits(unsigned width) { return width >= 64 ? ~0ul : (1ul << width) - 1; }

static void apply_fixup(const struct fixup *fixup, uint64_t *r, uint8_t *memory, uint8_t *vectors) {
  uint64_t *reg = &r[fixup->reg & 15];
  uint64_t word = 0;
  uint8_t *place = memory + (fixup->a | fixup->b << 8);
  switch (fixup->operation) {
    case FIXUP_SET:
      *reg = fixup->value;
      break;
    case FIXUP_BASE:
      *reg = fixup->value - (fixup->a == 255 ? 0 : r[fixup->a & 15] << fixup->b);
      if (fixup->c) *reg &= fixup->c == 32 ? 0xffffffffu : 0xffffu;
      break;
    case FIXUP_NARROW:
      *reg <<= 64 - fixup->a;
      *reg = fixup->b ? *reg >> (64 - fixup->a) : (uint64_t)((int64_t)*reg >> (64 - fixup->a));
      break;
    case FIXUP_RANGE: {
      uint64_t choice = next();
      uint64_t number = fixup->a + choice % (uint64_t)(fixup->b - fixup->a + 1);
      *reg = (fixup->c ? 0 : *reg & ~0xfful) | number;
      break;
    }
    case FIXUP_MEMORY_SET:
      memcpy(place, &fixup->value, fixup->c);
      break;
    case FIXUP_MEMORY_AND:
      memcpy(&word, place, 8);
      word = (word & fixup->value) | fixup->c;
      memcpy(place, &word, 8);
      break;
    case FIXUP_MEMORY_COPY:
      if (next() & 1) memcpy(place, reg, fixup->c);
      break;
    case FIXUP_DIVIDEND: {
      uint64_t choice = next() & 7, low = low_bits(fixup->c);
      uint64_t sign = *reg >> (fixup->c - 1) & 1 ? low : 0;
      uint64_t *high = &r[fixup->a & 15];
      if (choice < 3) *high &= ~low;
      else if (choice < 6) *high = (*high & ~low) | sign;
      else if (choice < 7) *high = (*high & ~low) | (*high & low) >> fixup->c / 2;
      break;
    }
    case FIXUP_NONZERO:
      if (!(*reg & low_bits(fixup->c))) *reg |= 1ul << next() % fixup->c;
      break;
    case FIXUP_MEMORY_NONZERO:
      memcpy(&word, place, 8);
      if (!(word & low_bits(fixup->c))) word |= 1ul << next() % fixup->c;
      memcpy(place, &word, 8);
      break;
    case FIXUP_LEGACY:
      for (int n = 0; n < 16; n++) r[n] = n < 8 ? (uint32_t)r[n] : 0;
      break;
    case FIXUP_SELECTOR: {
      /* No null selector but 0: the host's interrupts make the others 0. */
      static const uint16_t selectors[8] = {0, 0x2b, 0x23, 0x2b, 0x33, NUMBER_SELECTOR, 0x10, 0x1f8};
      *reg = (*reg & ~0xfffful) | selectors[next() & fixup->a];
      break;
    }
    case FIXUP_COPY:
      if (next() & 1) r[fixup->a & 15] = (r[fixup->a & 15] & ~low_bits(fixup->c)) | (*reg & low_bits(fixup->c));
      break;
    case FIXUP_INDICES:
      for (unsigned at = 0; at < fixup->b; at += fixup->c) {
        int64_t index = (int64_t)(next() % 8);
        memcpy(vectors + at, &index, fixup->c);
      }
      break;
  }
}

static void make_inputs(const uint8_t *descriptor) {
#define FIELD(offset) (*(const uint64_t *)(descriptor + (offset)))
  const struct fixup *fixups = (const struct fixup *)(descriptor + DESCRIPTOR_FIXUPS);
  uint64_t count = FIELD(DESCRIPTOR_COUNT), size = FIELD(DESCRIPTOR_INPUT_SIZE);
  uint64_t memory_size = FIELD(DESCRIPTOR_MEMORY_SIZE), values = FIELD(DESCRIPTOR_VALUES);
  uint64_t varied = FIELD(DESCRIPTOR_FLAGS_VARIED), set = FIELD(DESCRIPTOR_FLAGS_SET);
  uint64_t operand = FIELD(DESCRIPTOR_OPERAND), kind = FIELD(DESCRIPTOR_VECTORS);
  int unmasked = (int)FIELD(DESCRIPTOR_UNMASKED);
  uint8_t *record = (uint8_t *)(uintptr_t)FIELD(DESCRIPTOR_INPUT);
  seed_state = FIELD(DESCRIPTOR_SEED);
  for (uint64_t n = 0; n < count; n++, record += size) {
    uint64_t r[16];
    for (int reg = 0; reg < 16; reg++) {
      uint64_t choice = next();
      r[reg] = reg && (choice & 15) == 0 ? r[(choice >> 8) % (unsigned)reg] : integer();
    }
    uint8_t *memory = record + INPUT_MEMORY;
    uint8_t *vectors = memory + memory_size;
    if (memory_size) {
      uint8_t made[1024 + 16];
      unsigned before = (unsigned)(-operand & 15);
      lanes(made, (unsigned)(memory_size + before + 15) & ~15u, values);
      memcpy(memory, made + before, memory_size);
    }
    uint8_t *first_vector = vectors + 16;
    if (kind == VECTORS_FX) {
      fx_image(vectors, values, unmasked);
      first_vector = vectors + 160;
    } else if (kind != VECTORS_NONE) {
      uint32_t mxcsr = random_mxcsr(unmasked);
      memset(vectors, 0, 16);
      memcpy(vectors, &mxcsr, 4);
      lanes(vectors + 16, kind == VECTORS_YMM ? 512 : 256, values);
    }
    for (uint64_t f = 0; f < FIELD(DESCRIPTOR_FIXUP_COUNT); f++) {
      unsigned stride = kind == VECTORS_YMM ? 32 : 16;
      apply_fixup(&fixups[f], r, memory, first_vector + fixups[f].a * stride);
    }
    uint64_t *words = (uint64_t *)record;
    for (int each = 0; each < 15; each++) words[each] = r[record_order[each]];
    words[INPUT_RIP / 8] = FIELD(DESCRIPTOR_CODE);
    words[INPUT_CS / 8] = FIELD(DESCRIPTOR_CODE_SELECTOR);
    words[INPUT_FLAGS / 8] = (next() & varied) | set;
    words[INPUT_RSP / 8] = r[4];
    words[INPUT_SS / 8] = FIELD(DESCRIPTOR_STACK_SELECTOR);
  }
#undef FIELD
}
#endif
