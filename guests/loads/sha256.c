/* SHA-256 (FIPS 180-4), 64 KiB a round; the constants are computed by their definition, from the first 64 primes. */
#include "loads.h"

#define BLOCKS 1024
#define BLOCK_SIZE 64

static uint32_t constants[64];
static const uint32_t initial[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
				    0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};

static uint32_t rotate_right(uint32_t value, unsigned count)
{
	return value >> count | value << (32 - count);
}

/* The first 32 bits of the fraction of the cube root: the largest r with r^3 < prime * 2^96, less its whole part. */
static uint32_t cube_root_fraction(uint32_t prime)
{
	uint64_t root = 0;

	for (int bit = 34; bit >= 0; bit--) {
		uint64_t tried = root | 1ull << bit;

		if ((unsigned __int128)tried * tried * tried >> 96 < prime)
			root = tried;
	}
	return (uint32_t)root;
}

static void block(uint32_t state[8], const uint8_t *bytes)
{
	uint32_t words[64], a = state[0], b = state[1], c = state[2], d = state[3];
	uint32_t e = state[4], f = state[5], g = state[6], h = state[7];

	for (unsigned i = 0; i < 16; i++)
		words[i] = (uint32_t)bytes[4 * i] << 24 | (uint32_t)bytes[4 * i + 1] << 16 |
			   (uint32_t)bytes[4 * i + 2] << 8 | bytes[4 * i + 3];
	for (unsigned i = 16; i < 64; i++) {
		uint32_t x = words[i - 15], y = words[i - 2];
		uint32_t s0 = rotate_right(x, 7) ^ rotate_right(x, 18) ^ x >> 3;
		uint32_t s1 = rotate_right(y, 17) ^ rotate_right(y, 19) ^ y >> 10;

		words[i] = words[i - 16] + s0 + words[i - 7] + s1;
	}
	for (unsigned i = 0; i < 64; i++) {
		uint32_t s1 = rotate_right(e, 6) ^ rotate_right(e, 11) ^ rotate_right(e, 25);
		uint32_t t1 = h + s1 + ((e & f) ^ (~e & g)) + constants[i] + words[i];
		uint32_t s0 = rotate_right(a, 2) ^ rotate_right(a, 13) ^ rotate_right(a, 22);
		uint32_t t2 = s0 + ((a & b) ^ (a & c) ^ (b & c));

		h = g;
		g = f;
		f = e;
		e = d + t1;
		d = c;
		c = b;
		b = a;
		a = t1 + t2;
	}
	state[0] += a;
	state[1] += b;
	state[2] += c;
	state[3] += d;
	state[4] += e;
	state[5] += f;
	state[6] += g;
	state[7] += h;
}

static void prepare(void)
{
	uint32_t count = 0;

	for (uint32_t number = 2; count < 64; number++) {
		uint32_t divisor = 2;

		while (divisor * divisor <= number && number % divisor)
			divisor++;
		if (divisor * divisor > number)
			constants[count++] = cube_root_fraction(number);
	}
	for (unsigned i = 0; i < BLOCKS * BLOCK_SIZE; i++)
		arena[i] = (uint8_t)(i * 7 + (i >> 8));
}

static uint64_t run(uint64_t rounds, uint64_t check)
{
	while (rounds--) {
		uint32_t state[8];

		for (unsigned i = 0; i < 8; i++)
			state[i] = initial[i] ^ (uint32_t)check;
		for (unsigned i = 0; i < BLOCKS; i++)
			block(state, arena + i * BLOCK_SIZE);
		for (unsigned i = 0; i < 8; i++)
			check = mix(check, state[i]);
	}
	return check;
}

const struct load sha256_load = {"sha256", prepare, run, 1};
