/* The product of two 96 by 96 matrices of doubles, by three plain loops. */
#include "mix-double.h"

#define SIZE 96

static double left[SIZE][SIZE], right[SIZE][SIZE], product[SIZE][SIZE];

static void prepare(void)
{
	for (unsigned row = 0; row < SIZE; row++)
		for (unsigned column = 0; column < SIZE; column++) {
			left[row][column] = (double)((row * 7 + column * 3) % 32) / 16 - 1;
			right[row][column] = (double)((row * 5 + column * 11) % 64) / 32 - 1;
		}
}

static uint64_t run(uint64_t rounds, uint64_t check)
{
	while (rounds--) {
		left[check % SIZE][0] += 0.25;
		for (unsigned row = 0; row < SIZE; row++)
			for (unsigned column = 0; column < SIZE; column++) {
				double sum = 0;

				for (unsigned i = 0; i < SIZE; i++)
					sum += left[row][i] * right[i][column];
				product[row][column] = sum;
			}
		for (unsigned row = 0; row < SIZE; row += 5)
			check = mix_double(check, product[row][(row * 7) % SIZE]);
	}
	return check;
}

const struct load matrix_load = {"matrix", prepare, run, 1};
