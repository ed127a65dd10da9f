/*
 * Runs one of the loads that the benchmark measures, and prints its check
 * value, which the same source gives everywhere.
 *
 * Command line: load=NAME n=ROUNDS. Without load=, runs a few rounds of each.
 */
#include "marks.h"

#include "boot-info.h"
#include "power.h"
#include "print.h"

_Alignas(4096) uint8_t arena[ARENA_SIZE];

static const struct load *const portable_loads[] = {
	&core_load,    &records_load, &sieve_load,   &quicksort_load, &recursion_load, &bytecode_load,
	&hashing_load, &chase_load,   &matrix_load,  &nbody_load,     &fft_load,       &sha256_load,
	&aes_load,     &crc32_load,   &lz_load,	     &strings_load,   &bignum_load,    &packed_load,
	&x87_load,     NULL,
};

int main(const struct boot_info *info)
{
	unsigned count = run_loads(portable_loads, info->command_line);

	if (machine_loads)
		count += run_loads(machine_loads, info->command_line);
	if (count == 0)
		print("No such load: \"%s\"\n", info->command_line);
	return count ? STATUS_SUCCESS : STATUS_FAILURE;
}
