/*
 * Two address spaces of 4 KiB pages that share their frames until they write:
 * switches by CR3, walks over all pages, copies on write and pages brought in
 * by #PF, entries exchanged under INVLPG, and everything shared again.
 *
 * SDM vol. 3, 4.5 "4-Level Paging" and 4.10.4 "Invalidation of TLBs".
 */
#include "cpu.h"
#include "machine.h"

#define PAGE_SIZE 4096u
#define PAGE_WORDS (PAGE_SIZE / sizeof(uint64_t))
#define PAGES 512u
#define SPACES 2u
#define SPARE_FRAMES 512u
#define WINDOW (1ull << 39)
#define VECTOR_PF 14

#define PRESENT 1ull
#define WRITABLE 2ull
#define ERROR_PRESENT 1u

#define WRITES 48u
#define EXCHANGES 64u
#define REMOVALS 32u

struct space {
	_Alignas(PAGE_SIZE) uint64_t pml4[512];
	uint64_t pdpt[512];
	uint64_t directory[512];
	uint64_t table[PAGES];
};

struct memory {
	struct space spaces[SPACES];
	uint64_t shared[PAGES][PAGE_WORDS];
	uint64_t spare[SPARE_FRAMES][PAGE_WORDS];
};
_Static_assert(sizeof(struct memory) <= ARENA_SIZE, "the arena holds it");

static struct memory *const memory = (struct memory *)arena;
static struct space *current;
static uint32_t spare_count;
static uint64_t faults;

static inline void invalidate(uint64_t address)
{
	__asm__ volatile("invlpg (%0)" : : "r"(address) : "memory");
}

static volatile uint64_t *page_at(uint64_t number)
{
	return (volatile uint64_t *)(WINDOW + number * PAGE_SIZE);
}

static uint64_t shared_entry(uint64_t number)
{
	return (uint64_t)memory->shared[number] | PRESENT;
}

static void share_all(struct space *space)
{
	for (uint64_t number = 0; number < PAGES; number++)
		space->table[number] = shared_entry(number);
}

/* A write to a shared page copies it; an access to an absent one maps the shared frame. */
static void page_fault(struct trap *trap)
{
	uint64_t address = read_cr2(), number = (address - WINDOW) / PAGE_SIZE;

	faults++;
	if (trap->error_code & ERROR_PRESENT) {
		const uint64_t *from = (const uint64_t *)(current->table[number] & ~(PAGE_SIZE - 1ull));
		uint64_t *to = memory->spare[spare_count++ % SPARE_FRAMES];

		for (unsigned i = 0; i < PAGE_WORDS; i++)
			to[i] = from[i];
		current->table[number] = (uint64_t)to | PRESENT | WRITABLE;
	} else {
		current->table[number] = shared_entry(number);
	}
	invalidate(address);
}

static void switch_to(struct space *space)
{
	current = space;
	write_cr3((uint64_t)space->pml4);
}

static void prepare(void)
{
	const uint64_t *kernel = (const uint64_t *)read_cr3();
	uint64_t random = 0x504147;

	for (unsigned i = 0; i < SPACES; i++) {
		struct space *space = &memory->spaces[i];

		for (unsigned entry = 0; entry < 512; entry++)
			space->pml4[entry] = space->pdpt[entry] = space->directory[entry] = 0;
		space->pml4[0] = kernel[0];
		space->pml4[WINDOW >> 39] = (uint64_t)space->pdpt | PRESENT | WRITABLE;
		space->pdpt[0] = (uint64_t)space->directory | PRESENT | WRITABLE;
		space->directory[0] = (uint64_t)space->table | PRESENT | WRITABLE;
		share_all(space);
	}
	for (unsigned number = 0; number < PAGES; number++)
		for (unsigned i = 0; i < PAGE_WORDS; i++)
			memory->shared[number][i] = next_random(&random);
	interrupts_init();
	handle(VECTOR_PF, page_fault);
}

static uint64_t touch_all(uint64_t check)
{
	uint64_t sum = 0;

	for (unsigned pass = 0; pass < 4; pass++)
		for (uint64_t number = 0; number < PAGES; number++)
			sum += page_at(number)[(number * 8 + pass) % PAGE_WORDS];
	return mix(check, sum);
}

static uint64_t change(uint64_t check)
{
	uint64_t random = check | 1;

	for (unsigned i = 0; i < WRITES; i++) {
		uint64_t value = next_random(&random);

		page_at(value % PAGES)[(value >> 16) % PAGE_WORDS] += value;
	}
	for (unsigned i = 0; i < EXCHANGES; i++) {
		uint64_t value = next_random(&random), a = value % PAGES, b = (value >> 16) % PAGES;
		uint64_t kept = current->table[a];

		current->table[a] = current->table[b];
		current->table[b] = kept;
		invalidate((uint64_t)page_at(a));
		invalidate((uint64_t)page_at(b));
		check = mix(check, page_at(a)[i] ^ page_at(b)[i + 1]);
	}
	for (unsigned i = 0; i < REMOVALS; i++) {
		uint64_t number = next_random(&random) % PAGES;

		current->table[number] = 0;
		invalidate((uint64_t)page_at(number));
		check = mix(check, page_at(number)[i]);
	}
	return check;
}

static uint64_t run(uint64_t rounds, uint64_t check)
{
	uint64_t kernel = read_cr3(), cr0 = read_cr0();

	write_cr0(cr0 | CR0_WP);
	while (rounds--) {
		faults = 0;
		for (unsigned i = 0; i < 2 * SPACES; i++) {
			switch_to(&memory->spaces[i % SPACES]);
			check = change(touch_all(check));
		}
		check = mix(touch_all(check), faults);
		for (unsigned i = 0; i < SPACES; i++)
			share_all(&memory->spaces[i]);
	}
	write_cr3(kernel);
	write_cr0(cr0);
	return check;
}

const struct load paging_load = {"paging", prepare, run, 20};
