/* Eratosthenes's sieve over a quarter of a million bytes: byte stores at a stride, then a count. */
#include "loads.h"

#define LIMIT (1u << 18)

static uint64_t run(uint64_t rounds, uint64_t check)
{
	while (rounds--) {
		uint64_t count = 0, last = 0;
		uint32_t limit = LIMIT - (uint32_t)(check & 0xff);

		for (uint32_t i = 0; i < limit; i++)
			arena[i] = 1;
		for (uint32_t i = 2; i * i < limit; i++)
			if (arena[i])
				for (uint32_t multiple = i * i; multiple < limit; multiple += i)
					arena[multiple] = 0;
		for (uint32_t i = 2; i < limit; i++)
			if (arena[i]) {
				count++;
				last = i;
			}
		check = mix(check, count << 32 | last);
	}
	return check;
}

const struct load sieve_load = {"sieve", NULL, run, 3};
