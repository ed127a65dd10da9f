/* The check value of doubles, apart from loads.h for the sake of code that may not use SSE registers. */
#pragma once

#include "loads.h"

static inline uint64_t mix_double(uint64_t check, double value)
{
	union {
		double value;
		uint64_t bits;
	} number = {.value = value};

	return mix(check, number.bits);
}
