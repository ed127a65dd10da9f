/*
 * Runs one of the loads that the benchmark measures. A line with a dot is
 * printed before the work and after each twentieth of it, for the host to take
 * the time of; then the check value, which the same source gives everywhere.
 *
 * Command line: load=NAME n=ROUNDS. Without load=, runs a few rounds of each
 * and prints the check values alone.
 */
#include "loads.h"

#include "boot-info.h"
#include "power.h"
#include "print.h"
#include "text.h"

#define MARKS 20

_Alignas(4096) uint8_t arena[ARENA_SIZE];

static const struct load *const portable_loads[] = {
	&core_load,    &records_load, &sieve_load,   &quicksort_load, &recursion_load, &bytecode_load,
	&hashing_load, &chase_load,   &matrix_load,  &nbody_load,     &fft_load,       &sha256_load,
	&aes_load,     &crc32_load,   &lz_load,	     &strings_load,   &bignum_load,    &packed_load,
	&x87_load,     NULL,
};

static void mark(bool marked)
{
	if (marked)
		print(".\n");
}

static void run(const struct load *load, uint64_t rounds, bool marked)
{
	uint64_t check = 0;

	mark(marked);
	if (load->prepare)
		load->prepare();
	for (uint64_t part = 0; part < MARKS; part++) {
		uint64_t done = rounds * part / MARKS;

		check = load->run(rounds * (part + 1) / MARKS - done, check);
		mark(marked);
	}
	print("%s n=%lu: %016lx\n", load->name, rounds, check);
}

/* Runs the load of that name or, without one, all of them; returns how many that were. */
static unsigned run_from(const struct load *const *loads, const char *command_line)
{
	const char *name = option_text(command_line, "load");
	unsigned count = 0;

	for (; *loads; loads++) {
		if (!name) {
			run(*loads, (*loads)->few, false);
			count++;
		} else if (word_equal(name, (*loads)->name)) {
			run(*loads, option_number(command_line, "n", (*loads)->few), true);
			count++;
		}
	}
	return count;
}

int main(const struct boot_info *info)
{
	unsigned count = run_from(portable_loads, info->command_line);

	if (machine_loads)
		count += run_from(machine_loads, info->command_line);
	if (count == 0)
		print("No such load: \"%s\"\n", info->command_line);
	return count ? STATUS_SUCCESS : STATUS_FAILURE;
}
