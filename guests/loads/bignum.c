/*
 * Arithmetic on numbers of 1,024 bits: Montgomery multiplication and powers
 * modulo an odd number (MUL with 128-bit products, ADC and SBB chains), and
 * their division by small ones (DIV of 128 bits).
 */
#include "loads.h"

#include <x86intrin.h>

#define WORDS 16

typedef unsigned long long word;

struct number {
	word words[WORDS];
};

static struct number modulus, base;
static word inverse;

static word add(word *a, const word *b)
{
	unsigned char carry = 0;

	for (unsigned i = 0; i < WORDS; i++)
		carry = _addcarry_u64(carry, a[i], b[i], &a[i]);
	return carry;
}

static word subtract(word *a, const word *b)
{
	unsigned char borrow = 0;

	for (unsigned i = 0; i < WORDS; i++)
		borrow = _subborrow_u64(borrow, a[i], b[i], &a[i]);
	return borrow;
}

/* to[0 .. WORDS] += a * factor; returns the carry out of them. */
static word add_product(word *to, const word *a, word factor)
{
	word carry = 0;

	for (unsigned i = 0; i < WORDS; i++) {
		unsigned __int128 sum = (unsigned __int128)a[i] * factor + to[i] + carry;

		to[i] = (word)sum;
		carry = (word)(sum >> 64);
	}
	return _addcarry_u64(0, to[WORDS], carry, &to[WORDS]);
}

/* a * b / 2^1024 modulo the modulus (Montgomery 1985), word by word. */
static void multiply(struct number *result, const struct number *a, const struct number *b)
{
	word sum[2 * WORDS + 1] = {0};

	for (unsigned i = 0; i < WORDS; i++) {
		word *at = sum + i;

		at[WORDS + 1] += add_product(at, a->words, b->words[i]);
		at[WORDS + 1] += add_product(at, modulus.words, at[0] * inverse);
	}
	for (unsigned i = 0; i < WORDS; i++)
		result->words[i] = sum[WORDS + i];
	if (sum[2 * WORDS])
		subtract(result->words, modulus.words);
}

static void power(struct number *result, const struct number *a, word exponent)
{
	*result = *a;
	for (int bit = 62 - __builtin_clzll(exponent | 1); bit >= 0; bit--) {
		multiply(result, result, result);
		if (exponent >> bit & 1)
			multiply(result, result, a);
	}
}

/* Divides in place; returns the remainder. */
static word divide(struct number *number, word divisor)
{
	word remainder = 0;

	for (int i = WORDS - 1; i >= 0; i--)
		__asm__("divq %2"
			: "+d"(remainder), "=a"(number->words[i])
			: "r"(divisor), "1"(number->words[i])
			: "cc");
	return remainder;
}

static void prepare(void)
{
	uint64_t random = 0x4249474e554d;

	for (unsigned i = 0; i < WORDS; i++) {
		modulus.words[i] = next_random(&random);
		base.words[i] = next_random(&random);
	}
	modulus.words[0] |= 1;
	modulus.words[WORDS - 1] |= 1ull << 63;
	base.words[WORDS - 1] >>= 1;
	/* Newton's iteration doubles the right bits each time, from three on. */
	inverse = modulus.words[0];
	for (unsigned i = 0; i < 5; i++)
		inverse *= 2 - modulus.words[0] * inverse;
	inverse = -inverse;
}

static uint64_t run(uint64_t rounds, uint64_t check)
{
	while (rounds--) {
		struct number result, kept;

		power(&result, &base, check | 1ull << 60);
		kept = result;
		check = mix(check, divide(&result, check | 1ull << 62));
		check = mix(check, add(kept.words, result.words));
		check = mix(check, subtract(kept.words, base.words));
		check = mix(check, kept.words[0] ^ kept.words[WORDS - 1]);
		base.words[check % WORDS] ^= check >> 8;
		base.words[WORDS - 1] &= ~(1ull << 63);
	}
	return check;
}

const struct load bignum_load = {"bignum", prepare, run, 12};
