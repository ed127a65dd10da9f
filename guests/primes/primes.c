/*
 * Integer load: counts and sums the primes below n by a segmented sieve, and
 * tries every sixteenth odd number by division as well, so that byte stores,
 * loops and 64-bit divisions all have their share.
 *
 * Command line: n=NUMBER, up to 10^10; one million by default. Fails if the
 * two methods disagree or, for a power of ten, the count is not the known one.
 */
#include <stdbool.h>

#include "boot-info.h"
#include "power.h"
#include "print.h"
#include "text.h"

#define DEFAULT_LIMIT 1000000ull
#define MAX_LIMIT 10000000000ull
#define MAX_ROOT 100000u
#define MAX_SMALL_PRIMES 9592u
#define SEGMENT_ODDS 32768u
#define TRIAL_STRIDE 16u

/* Odd primes up to the root of the limit, and for each the next odd multiple, as the index (multiple - 1) / 2. */
static uint32_t small_primes[MAX_SMALL_PRIMES];
static uint64_t next_multiples[MAX_SMALL_PRIMES];
static size_t small_prime_count;

static uint8_t small_composites[MAX_ROOT + 1];
static uint8_t segment[SEGMENT_ODDS];

struct totals {
	uint64_t count;
	uint64_t sum;
	uint64_t tried;
	uint64_t disagreements;
};

static void find_small_primes(uint64_t limit)
{
	for (uint32_t candidate = 3; candidate <= MAX_ROOT && (uint64_t)candidate * candidate < limit;
	     candidate += 2) {
		if (small_composites[candidate])
			continue;
		for (uint64_t multiple = (uint64_t)candidate * candidate; multiple <= MAX_ROOT;
		     multiple += 2 * candidate)
			small_composites[multiple] = 1;
		small_primes[small_prime_count] = candidate;
		next_multiples[small_prime_count++] = ((uint64_t)candidate * candidate - 1) / 2;
	}
}

static bool prime_by_division(uint64_t number)
{
	if (number < 3 || number % 2 == 0)
		return number == 2;
	for (size_t i = 0; i < small_prime_count; i++) {
		uint64_t divisor = small_primes[i];

		if (divisor * divisor > number)
			break;
		if (number % divisor == 0)
			return false;
	}
	return true;
}

/* Clears the bytes of composites; byte i stands for the odd number 2 * (first + i) + 1. */
static void sieve_segment(uint64_t first, uint64_t end)
{
	for (size_t i = 0; i < SEGMENT_ODDS; i++)
		segment[i] = 1;
	for (size_t i = 0; i < small_prime_count; i++) {
		uint64_t index = next_multiples[i];

		for (; index < end; index += small_primes[i])
			segment[index - first] = 0;
		next_multiples[i] = index;
	}
}

static void count_segment(uint64_t first, uint64_t end, struct totals *totals)
{
	for (uint64_t index = first; index < end; index++) {
		uint64_t number = 2 * index + 1;
		bool prime = segment[index - first];

		if (prime) {
			totals->count++;
			totals->sum += number;
		}
		if (index % TRIAL_STRIDE == 0 && index > 0) {
			totals->tried++;
			totals->disagreements += prime != prime_by_division(number);
		}
	}
}

static struct totals count_primes(uint64_t limit)
{
	struct totals totals = {0};
	uint64_t end = limit / 2;

	if (limit > 2) {
		totals.count = 1;
		totals.sum = 2;
	}
	find_small_primes(limit);
	for (uint64_t first = 0; first < end; first += SEGMENT_ODDS) {
		uint64_t segment_end = first + SEGMENT_ODDS < end ? first + SEGMENT_ODDS : end;

		sieve_segment(first, segment_end);
		if (first == 0)
			segment[0] = 0; /* the number 1 */
		count_segment(first, segment_end, &totals);
	}
	return totals;
}

/* The number of primes below a power of ten, or 0 if the limit is none. */
static uint64_t known_count(uint64_t limit)
{
	static const uint32_t counts[] = {4, 25, 168, 1229, 9592, 78498, 664579, 5761455, 50847534, 455052511};
	uint64_t power = 10;

	for (size_t i = 0; i < sizeof counts / sizeof *counts; i++, power *= 10)
		if (power == limit)
			return counts[i];
	return 0;
}

int main(const struct boot_info *info)
{
	uint64_t limit = option_number(info->command_line, "n", DEFAULT_LIMIT);
	uint64_t known = known_count(limit);
	struct totals totals;

	if (limit > MAX_LIMIT) {
		print("n= is at most %llu\n", MAX_LIMIT);
		return STATUS_FAILURE;
	}
	totals = count_primes(limit);
	print("Primes below %lu: %lu\n", limit, totals.count);
	print("Their sum: %lu\n", totals.sum);
	print("Tried by division: %lu, disagreeing: %lu\n", totals.tried, totals.disagreements);
	if (totals.disagreements || (known && known != totals.count)) {
		print("Wrong: ");
		if (known)
			print("%lu primes were expected\n", known);
		else
			print("the two methods differ\n");
		return STATUS_FAILURE;
	}
	print(known ? "The count is the known one.\n" : "No known count for this limit.\n");
	return STATUS_SUCCESS;
}
