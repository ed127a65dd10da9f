/*
 * Floating-point load: the Sun and four planets, their energy before and after.
 *
 * Command line: steps=NUMBER, 50,000 by default. The digits are those of the
 * same planets.c built for the host, printed with %.9f.
 */
#include "boot-info.h"
#include "planets.h"
#include "print.h"
#include "text.h"

#define DEFAULT_STEPS 50000

static void print_energy(const char *when)
{
	union {
		double value;
		uint64_t bits;
	} energy = {.value = planets_energy()};

	print("Energy %s: ", when);
	print_double_bits(energy.bits);
	print("\n");
}

int main(const struct boot_info *info)
{
	uint64_t steps = option_number(info->command_line, "steps", DEFAULT_STEPS);

	planets_reset();
	print("Five bodies, %lu steps\n", steps);
	print_energy("before");
	planets_advance(steps);
	print_energy("after");
	return 0;
}
