/* Follows pointers through one cycle in random order over 8 MiB, a cache line each: loads that wait for loads. */
#include "loads.h"

#define NODES (ARENA_SIZE / sizeof(struct node))
#define STEPS 20000

struct node {
	struct node *next;
	uint64_t value;
	uint64_t unused[6];
};

static struct node *at;

/* Sattolo's shuffle, which leaves a single cycle. */
static void prepare(void)
{
	struct node *nodes = (struct node *)arena;
	uint64_t random = 0x4348415345;

	for (size_t i = 0; i < NODES; i++)
		nodes[i] = (struct node){.next = &nodes[i], .value = i};
	for (size_t i = NODES - 1; i > 0; i--) {
		size_t other = next_random(&random) % i;
		struct node *kept = nodes[i].next;

		nodes[i].next = nodes[other].next;
		nodes[other].next = kept;
	}
	at = nodes;
}

static uint64_t run(uint64_t rounds, uint64_t check)
{
	while (rounds--) {
		uint64_t sum = 0;

		for (unsigned i = 0; i < STEPS; i++) {
			at = at->next;
			sum += at->value;
		}
		check = mix(check, sum);
	}
	return check;
}

const struct load chase_load = {"chase", prepare, run, 20};
