/* Compression by back references into 64 KiB, found by a hash of four bytes, and decompression; literals as they are. */
#include "loads.h"

#define SIZE 65536u
#define HASH_BITS 12
#define LEAST_MATCH 4u
#define MOST_MATCH 255u
#define MOST_LITERALS 255u

static uint8_t *const source = arena;
static uint8_t *const packed = arena + SIZE;
static uint8_t *const unpacked = arena + 4 * SIZE;
static uint32_t last_at[1 << HASH_BITS];

/* Sentences from a small stock of words, so that there is something to find. */
static void prepare(void)
{
	static const char words[][8] = {"guest ", "memory ", "page ", "the ",  "of ",	 "fault ", "CPU ", "timer ",
					"and ",	  "disk ",   "a ",    "boot ", "image ", "in ",	   "to ",  "net "};
	uint64_t random = 0x4c5a;

	for (uint32_t at = 0; at < SIZE;) {
		uint64_t value = next_random(&random);
		const char *word = words[value & 15];

		while (*word && at < SIZE)
			source[at++] = (uint8_t)*word++;
		if ((value >> 8 & 7) == 0 && at < SIZE)
			source[at++] = (uint8_t)(value >> 16);
	}
}

static uint32_t four_bytes(const uint8_t *at)
{
	return at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

static uint32_t match_length(uint32_t from, uint32_t at)
{
	uint32_t length = 0;

	while (length < MOST_MATCH && at + length < SIZE && source[from + length] == source[at + length])
		length++;
	return length;
}

static uint8_t *put_literals(uint8_t *out, uint32_t from, uint32_t end)
{
	while (from < end) {
		uint32_t count = end - from < MOST_LITERALS ? end - from : MOST_LITERALS;

		*out++ = 0;
		*out++ = (uint8_t)count;
		while (count--)
			*out++ = source[from++];
	}
	return out;
}

static uint32_t compress(void)
{
	uint8_t *out = packed;
	uint32_t at = 0, literals = 0;

	for (unsigned i = 0; i < 1 << HASH_BITS; i++)
		last_at[i] = SIZE;
	while (at + LEAST_MATCH <= SIZE) {
		uint32_t hash = four_bytes(source + at) * 2654435761u >> (32 - HASH_BITS);
		uint32_t from = last_at[hash], length = from < at ? match_length(from, at) : 0;

		last_at[hash] = at;
		if (length < LEAST_MATCH) {
			at++;
			continue;
		}
		out = put_literals(out, literals, at);
		*out++ = (uint8_t)length;
		*out++ = (uint8_t)((at - from) & 255);
		*out++ = (uint8_t)((at - from) >> 8);
		at += length;
		literals = at;
	}
	return (uint32_t)(put_literals(out, literals, SIZE) - packed);
}

static uint32_t decompress(uint32_t size)
{
	const uint8_t *in = packed, *end = packed + size;
	uint8_t *out = unpacked;

	while (in < end) {
		uint32_t length = *in++;

		if (length == 0) {
			for (length = *in++; length > 0; length--)
				*out++ = *in++;
		} else {
			const uint8_t *from = out - (in[0] | (uint32_t)in[1] << 8);

			for (in += 2; length > 0; length--)
				*out++ = *from++;
		}
	}
	return (uint32_t)(out - unpacked);
}

static uint64_t run(uint64_t rounds, uint64_t check)
{
	while (rounds--) {
		uint32_t size, different = 0;

		source[check % SIZE] = (uint8_t)(check >> 32);
		size = compress();
		check = mix(check, (uint64_t)size << 32 | decompress(size));
		for (uint32_t i = 0; i < SIZE; i++)
			different += source[i] != unpacked[i];
		check = mix(check, different);
	}
	return check;
}

const struct load lz_load = {"lz", prepare, run, 2};
