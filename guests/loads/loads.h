/* What a load is, and the few helpers that all of them share. Loads need nothing of the guest library. */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct load {
	const char *name;
	/* Fills in what the rounds work on; null if there is nothing to do. */
	void (*prepare)(void);
	/* Does so many rounds of work and returns the check value with their results mixed into it. */
	uint64_t (*run)(uint64_t rounds, uint64_t check);
	/* Rounds that take a few million instructions, for a run that only checks. */
	uint64_t few;
};

/* The loads that need a machine, with a null at the end; absent from a native program. */
extern const struct load *const machine_loads[] __attribute__((weak));

extern const struct load core_load, records_load, sieve_load, quicksort_load, recursion_load, bytecode_load;
extern const struct load hashing_load, chase_load, matrix_load, nbody_load, fft_load, sha256_load, aes_load;
extern const struct load crc32_load, lz_load, strings_load, bignum_load, packed_load, x87_load;

/* Memory that the loads share, since only one of them runs at a time; what another left may be in it. */
#define ARENA_SIZE (8u << 20)
extern _Alignas(4096) uint8_t arena[ARENA_SIZE];

static inline uint64_t mix(uint64_t check, uint64_t value)
{
	check = (check ^ value) * 0x9e3779b97f4a7c15ull;
	return check ^ check >> 29;
}

/* Marsaglia's xorshift with 64 bits of state, which must not be zero. */
static inline uint64_t next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

static inline uint32_t rotate_left(uint32_t value, unsigned count)
{
	return value << count | value >> (32 - count);
}
