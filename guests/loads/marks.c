/* See marks.h. A line with a dot is printed before the work and after each twentieth of it. */
#include "marks.h"

#include <stdbool.h>

#include "print.h"
#include "text.h"

#define MARKS 20

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

unsigned run_loads(const struct load *const *loads, const char *command_line)
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
