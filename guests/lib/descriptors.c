/*
 * SDM vol. 3: 3.4.5 "Segment Descriptors", 7.2.3 "TSS Descriptor in 64-bit
 * mode" and 7.7 "Task Management in 64-bit Mode".
 */
#include "descriptors.h"

#define STACK_SIZE 8192

/* Bits of a descriptor; the type's accessed bit is set, so that the processor need not write. */
#define FLAT (0x000f00000000ffffull | 1ull << 55)
#define DATA_WRITABLE (0x13ull << 40)
#define CODE_READABLE (0x1bull << 40)
#define USER (3ull << 45)
#define PRESENT (1ull << 47)
#define LONG (1ull << 53)
#define BITS_32 (1ull << 54)
#define TSS_AVAILABLE (0x9ull << 40)

#define INDEX(selector) ((selector) >> 3)

struct task_state {
	uint32_t reserved;
	uint64_t rsp[3];
	uint64_t unused;
	uint64_t ist[7];
	uint64_t unused2;
	uint16_t unused3;
	uint16_t io_map;
} __attribute__((packed));
_Static_assert(sizeof(struct task_state) == TSS_LIMIT + 1, "SDM vol. 3, figure 7-11");

struct table_pointer {
	uint16_t limit;
	uint64_t base;
} __attribute__((packed));

static uint8_t privilege_stack[STACK_SIZE] __attribute__((aligned(16)));
static uint8_t fault_stack[STACK_SIZE] __attribute__((aligned(16)));
static struct task_state task_state;

static uint64_t table[] = {
	[INDEX(SELECTOR_CODE)] = FLAT | CODE_READABLE | PRESENT | LONG,
	[INDEX(SELECTOR_DATA)] = FLAT | DATA_WRITABLE | PRESENT | BITS_32,
	[INDEX(SELECTOR_CODE_32)] = FLAT | CODE_READABLE | PRESENT | BITS_32,
	[INDEX(SELECTOR_USER_DATA)] = FLAT | DATA_WRITABLE | PRESENT | BITS_32 | USER,
	[INDEX(SELECTOR_USER_CODE)] = FLAT | CODE_READABLE | PRESENT | LONG | USER,
	/* the task state segment takes two entries, filled in when it is loaded */
	[INDEX(SELECTOR_TSS)] = 0,
	[INDEX(SELECTOR_TSS) + 1] = 0,
	[INDEX(SELECTOR_ABSENT_DATA)] = FLAT | DATA_WRITABLE | BITS_32,
	[INDEX(SELECTOR_ABSENT_CODE)] = FLAT | CODE_READABLE | LONG,
	[INDEX(SELECTOR_ABSENT_USER_DATA)] = FLAT | DATA_WRITABLE | BITS_32 | USER,
	[INDEX(SELECTOR_ABSENT_TSS)] = TSS_AVAILABLE | TSS_LIMIT,
	[INDEX(SELECTOR_ABSENT_TSS) + 1] = 0,
};

void descriptors_set_tss_limit(uint32_t limit)
{
	uint64_t base = (uint64_t)&task_state;

	table[INDEX(SELECTOR_TSS)] =
		TSS_AVAILABLE | PRESENT | limit | (base & 0xffffff) << 16 | (base >> 24 & 0xff) << 56;
	table[INDEX(SELECTOR_TSS) + 1] = base >> 32;
	__asm__ volatile("ltr %w0" : : "r"(SELECTOR_TSS) : "memory");
}

void descriptors_init(void)
{
	struct table_pointer pointer = {sizeof table - 1, (uint64_t)table};

	task_state.rsp[0] = (uint64_t)(privilege_stack + STACK_SIZE);
	task_state.ist[FAULT_STACK - 1] = (uint64_t)(fault_stack + STACK_SIZE);
	task_state.io_map = sizeof task_state;
	/* CS and SS keep their selectors, whose descriptors mean the same as before. */
	__asm__ volatile("lgdt %0" : : "m"(pointer));
	descriptors_set_tss_limit(TSS_LIMIT);
}
