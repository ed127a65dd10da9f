/* Calls and returns, deep and many: Fibonacci, Ackermann and Takeuchi by their definitions. */
#include "loads.h"

#define PLAIN __attribute__((noinline, noclone, optimize("no-optimize-sibling-calls")))

static PLAIN uint64_t fibonacci(unsigned n)
{
	return n < 2 ? n : fibonacci(n - 1) + fibonacci(n - 2);
}

static PLAIN uint64_t ackermann(uint64_t m, uint64_t n)
{
	if (m == 0)
		return n + 1;
	return ackermann(m - 1, n == 0 ? 1 : ackermann(m, n - 1));
}

static PLAIN int takeuchi(int x, int y, int z)
{
	if (y >= x)
		return z;
	return takeuchi(takeuchi(x - 1, y, z), takeuchi(y - 1, z, x), takeuchi(z - 1, x, y));
}

static uint64_t run(uint64_t rounds, uint64_t check)
{
	while (rounds--) {
		unsigned less = check & 1;

		check = mix(check, fibonacci(20 - less));
		check = mix(check, ackermann(2, 40 - less));
		check = mix(check, (uint64_t)takeuchi(12, 8, 4 + (int)less));
	}
	return check;
}

const struct load recursion_load = {"recursion", NULL, run, 10};
