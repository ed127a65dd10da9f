/*
 * The x87 through long double: polynomials, Newton's square roots, a Gaussian
 * elimination and a logistic map, with loads and stores of 32, 64 and 80 bits
 * and conversions from and to integers.
 */
#include "mix-double.h"

#define SIZE 12

static long double matrix[SIZE][SIZE + 1];

static uint64_t mix_long_double(uint64_t check, long double value)
{
	return mix_double(check, (double)value);
}

static long double exponential(long double x)
{
	long double sum = 1, term = 1;

	for (int i = 1; i < 24; i++) {
		term *= x / i;
		sum += term;
	}
	return sum;
}

static long double root(long double value)
{
	long double guess = value > 1 ? value / 2 : 1;

	for (int i = 0; i < 12; i++)
		guess = (guess + value / guess) / 2;
	return guess;
}

static long double magnitude(long double value)
{
	return value < 0 ? -value : value;
}

/* Solves the system by elimination with pivots; returns the sum of the solution. */
static long double solve(uint64_t seed)
{
	long double sum = 0;

	for (unsigned row = 0; row < SIZE; row++)
		for (unsigned column = 0; column <= SIZE; column++)
			matrix[row][column] = (int32_t)(next_random(&seed) & 0xffff) - 32768;
	for (unsigned step = 0; step < SIZE; step++) {
		unsigned pivot = step;

		for (unsigned row = step + 1; row < SIZE; row++)
			if (magnitude(matrix[row][step]) > magnitude(matrix[pivot][step]))
				pivot = row;
		for (unsigned column = 0; column <= SIZE; column++) {
			long double kept = matrix[step][column];

			matrix[step][column] = matrix[pivot][column];
			matrix[pivot][column] = kept;
		}
		for (unsigned row = 0; row < SIZE; row++) {
			long double factor = matrix[row][step] / matrix[step][step];

			if (row == step)
				continue;
			for (unsigned column = step; column <= SIZE; column++)
				matrix[row][column] -= factor * matrix[step][column];
		}
	}
	for (unsigned row = 0; row < SIZE; row++)
		sum += matrix[row][SIZE] / matrix[row][row];
	return sum;
}

/* The unit comes out of a reset with all exceptions unmasked (SDM vol. 3, table 10-1). */
static void prepare(void)
{
	__asm__ volatile("fninit");
}

static uint64_t run(uint64_t rounds, uint64_t check)
{
	while (rounds--) {
		long double x = (long double)(check & 0xffff) / 65536, population = 0.25L + x / 2;
		float narrow = 0;

		check = mix_long_double(check, exponential(x - 0.5L));
		check = mix_long_double(check, root(x * 1000 + 2));
		check = mix_long_double(check, solve(check | 1));
		for (int i = 0; i < 200; i++) {
			population = 3.875L * population * (1 - population);
			narrow += (float)population;
			check += (uint64_t)(int64_t)(population * 1024);
		}
		check = mix_double(check, narrow);
	}
	return check;
}

const struct load x87_load = {"x87", prepare, run, 150};
