/* The Sun and its four giant planets, in double precision; needs nothing of the guest library. */
#pragma once

#include <stdint.h>

/* Sets the bodies to where they start, with the whole system's momentum at rest. */
void planets_reset(void);

/* Advances by steps of a hundredth of a year. */
void planets_advance(uint64_t steps);

/* Kinetic and potential energy together, in solar masses, astronomical units and years. */
double planets_energy(void);
