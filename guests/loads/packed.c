/*
 * Packed integers in SSE registers (SSE2 to SSE4.1): what codecs do. Sums of
 * absolute differences, a 4 by 4 transform of 16-bit numbers, blending with
 * saturation, byte shuffles, minima and multiplication of 32-bit lanes.
 */
#pragma GCC target("sse4.1")

#include "loads.h"

#include <smmintrin.h>

#define SIDE 128u
#define BYTES (SIDE * SIDE)

static uint8_t *const before = arena;
static uint8_t *const after = arena + BYTES;
static uint8_t *const blended = arena + 2 * BYTES;

static __m128i at(const uint8_t *bytes)
{
	return _mm_loadu_si128((const __m128i *)bytes);
}

static void put(uint8_t *bytes, __m128i value)
{
	_mm_storeu_si128((__m128i *)bytes, value);
}

/* The offset, 0 to 15, at which a block of 16 by 16 differs least from the picture before. */
static unsigned best_offset(unsigned row, unsigned column)
{
	uint64_t least = UINT64_MAX;
	unsigned best = 0;

	for (unsigned offset = 0; offset < 16; offset++) {
		__m128i sum = _mm_setzero_si128();
		uint64_t total;

		for (unsigned i = 0; i < 16; i++) {
			size_t place = (size_t)(row + i) * SIDE + column;

			sum = _mm_add_epi64(sum, _mm_sad_epu8(at(before + place + offset), at(after + place)));
		}
		total = (uint64_t)_mm_cvtsi128_si64(_mm_add_epi64(sum, _mm_unpackhi_epi64(sum, sum)));
		if (total < least) {
			least = total;
			best = offset;
		}
	}
	return best;
}

static void blend(uint8_t weight)
{
	__m128i weights = _mm_set1_epi16(weight), rest = _mm_set1_epi16((int16_t)(256 - weight));
	__m128i zero = _mm_setzero_si128();
	const __m128i reverse = _mm_set_epi8(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);

	for (unsigned i = 0; i < BYTES; i += 16) {
		__m128i a = at(before + i), b = _mm_shuffle_epi8(at(after + i), reverse);
		__m128i low = _mm_add_epi16(_mm_mullo_epi16(_mm_unpacklo_epi8(a, zero), weights),
					    _mm_mullo_epi16(_mm_unpacklo_epi8(b, zero), rest));
		__m128i high = _mm_add_epi16(_mm_mullo_epi16(_mm_unpackhi_epi8(a, zero), weights),
					     _mm_mullo_epi16(_mm_unpackhi_epi8(b, zero), rest));
		__m128i both = _mm_packus_epi16(_mm_srli_epi16(low, 8), _mm_srli_epi16(high, 8));

		put(blended + i, _mm_subs_epu8(_mm_max_epu8(both, a), _mm_avg_epu8(a, b)));
	}
}

/* Sums of products of neighbouring 16-bit numbers, multiplied and compared in 32-bit lanes. */
static uint64_t transform(void)
{
	const __m128i factors = _mm_set_epi16(1, 2, -1, 3, 5, -2, 1, 1);
	__m128i sum = _mm_setzero_si128(), least = _mm_set1_epi32(INT32_MAX);

	for (unsigned i = 0; i < BYTES; i += 8) {
		__m128i values = _mm_cvtepu8_epi16(_mm_loadl_epi64((const __m128i *)(blended + i)));
		__m128i products = _mm_madd_epi16(values, factors);
		__m128i turned = _mm_shuffle_epi32(products, _MM_SHUFFLE(1, 0, 3, 2));
		__m128i smaller = _mm_cmpgt_epi32(products, turned);

		sum = _mm_add_epi32(sum, _mm_mullo_epi32(_mm_blendv_epi8(products, turned, smaller), values));
		least = _mm_min_epi32(least, _mm_xor_si128(_mm_srai_epi32(sum, 3), turned));
	}
	sum = _mm_xor_si128(sum, _mm_slli_epi32(least, 1));
	return (uint64_t)_mm_cvtsi128_si64(sum) ^ (uint64_t)_mm_extract_epi64(sum, 1);
}

static void prepare(void)
{
	uint64_t random = 0x5041434b;

	for (unsigned i = 0; i < BYTES; i++)
		before[i] = (uint8_t)((i * 5 >> 3) + (next_random(&random) & 31));
	for (unsigned i = 0; i < BYTES; i++)
		after[i] = (uint8_t)(before[(i + 5) % BYTES] + (next_random(&random) & 3));
}

static uint64_t run(uint64_t rounds, uint64_t check)
{
	while (rounds--) {
		uint64_t offsets = 0;

		after[check % BYTES] ^= (uint8_t)(check >> 16);
		for (unsigned row = 0; row + 16 < SIDE; row += 16)
			for (unsigned column = 0; column + 32 < SIDE; column += 16)
				offsets = offsets * 3 + best_offset(row, column);
		blend((uint8_t)(check >> 24 | 1));
		check = mix(mix(check, offsets), transform());
	}
	return check;
}

const struct load packed_load = {"packed", prepare, run, 25};
