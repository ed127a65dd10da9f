/* AES-128 (FIPS 197) in counter mode by four tables of 1 KiB, which are computed with the S-box; 16 KiB a round. */
#include "loads.h"

#define BLOCKS 1024
#define ROUNDS 10

static uint8_t sbox[256];
static uint32_t tables[4][256];
static uint32_t keys[4 * (ROUNDS + 1)];

static uint8_t doubled(uint8_t value)
{
	return (uint8_t)(value << 1 ^ (value & 0x80 ? 0x1b : 0));
}

/* 3 generates the field, and 0xf6 is its inverse: the two walk through all pairs of inverses. */
static void compute_sbox(void)
{
	uint8_t value = 1, inverse = 1;

	do {
		uint8_t x;

		value = (uint8_t)(value ^ doubled(value));
		inverse = (uint8_t)(inverse ^ inverse << 1);
		inverse = (uint8_t)(inverse ^ inverse << 2);
		inverse = (uint8_t)(inverse ^ inverse << 4);
		if (inverse & 0x80)
			inverse ^= 0x09;
		x = (uint8_t)(inverse ^ (inverse << 1 | inverse >> 7) ^ (inverse << 2 | inverse >> 6) ^
			      (inverse << 3 | inverse >> 5) ^ (inverse << 4 | inverse >> 4));
		sbox[value] = x ^ 0x63;
	} while (value != 1);
	sbox[0] = 0x63;
}

static uint32_t substituted(uint32_t word)
{
	return (uint32_t)sbox[word >> 24] << 24 | (uint32_t)sbox[word >> 16 & 255] << 16 |
	       (uint32_t)sbox[word >> 8 & 255] << 8 | sbox[word & 255];
}

static void expand_key(const uint32_t key[4])
{
	uint8_t constant = 1;

	for (unsigned i = 0; i < 4 * (ROUNDS + 1); i++) {
		uint32_t word = i < 4 ? key[i] : keys[i - 1];

		if (i >= 4 && i % 4 == 0) {
			word = substituted(rotate_left(word, 8)) ^ (uint32_t)constant << 24;
			constant = doubled(constant);
		}
		keys[i] = i < 4 ? word : word ^ keys[i - 4];
	}
}

static void prepare(void)
{
	static const uint32_t key[4] = {0x2b7e1516, 0x28aed2a6, 0xabf71588, 0x09cf4f3c};

	for (unsigned i = 0; i < 16 * BLOCKS; i++)
		arena[i] = 0;
	compute_sbox();
	for (unsigned i = 0; i < 256; i++) {
		uint8_t s = sbox[i], twice = doubled(s);
		uint32_t word = (uint32_t)twice << 24 | (uint32_t)s << 16 | (uint32_t)s << 8 | (uint8_t)(twice ^ s);

		for (unsigned table = 0; table < 4; table++)
			tables[table][i] = table ? rotate_left(word, 32 - 8 * table) : word;
	}
	expand_key(key);
}

static void encrypt(const uint32_t in[4], uint32_t out[4])
{
	uint32_t a = in[0] ^ keys[0], b = in[1] ^ keys[1], c = in[2] ^ keys[2], d = in[3] ^ keys[3];
	const uint32_t *key = keys + 4;

#define COLUMN(p, q, r, s) \
	(tables[0][(p) >> 24] ^ tables[1][(q) >> 16 & 255] ^ tables[2][(r) >> 8 & 255] ^ tables[3][(s) & 255])
	for (unsigned round = 1; round < ROUNDS; round++, key += 4) {
		uint32_t e = COLUMN(a, b, c, d) ^ key[0], f = COLUMN(b, c, d, a) ^ key[1];
		uint32_t g = COLUMN(c, d, a, b) ^ key[2], h = COLUMN(d, a, b, c) ^ key[3];

		a = e;
		b = f;
		c = g;
		d = h;
	}
#undef COLUMN
#define LAST(p, q, r, s) \
	((uint32_t)sbox[(p) >> 24] << 24 | (uint32_t)sbox[(q) >> 16 & 255] << 16 | \
	 (uint32_t)sbox[(r) >> 8 & 255] << 8 | sbox[(s) & 255])
	out[0] = LAST(a, b, c, d) ^ key[0];
	out[1] = LAST(b, c, d, a) ^ key[1];
	out[2] = LAST(c, d, a, b) ^ key[2];
	out[3] = LAST(d, a, b, c) ^ key[3];
#undef LAST
}

static uint64_t run(uint64_t rounds, uint64_t check)
{
	uint32_t *data = (uint32_t *)arena;

	while (rounds--) {
		for (uint32_t block = 0; block < BLOCKS; block++) {
			uint32_t counter[4] = {(uint32_t)check, (uint32_t)(check >> 32), 0, block}, stream[4];

			encrypt(counter, stream);
			for (unsigned i = 0; i < 4; i++)
				data[4 * block + i] ^= stream[i];
		}
		check = mix(check, (uint64_t)data[0] << 32 | data[4 * BLOCKS - 1]);
	}
	return check;
}

const struct load aes_load = {"aes", prepare, run, 8};
