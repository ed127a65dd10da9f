/* The Sun and four planets, as in the guest nbody and by its source: doubles with divisions and square roots. */
#include "mix-double.h"

#include "../nbody/planets.c"

#define STEPS_A_ROUND 100

static uint64_t run(uint64_t rounds, uint64_t check)
{
	while (rounds--) {
		planets_advance(STEPS_A_ROUND);
		check = mix_double(check, planets_energy());
	}
	return check;
}

const struct load nbody_load = {"nbody", planets_reset, run, 50};
