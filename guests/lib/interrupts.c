/* The interrupt descriptor table: SDM vol. 3, 6.14.1 "64-Bit Mode IDT". */
#include "interrupts.h"

#include "selectors.h"

#define STUB_SIZE 16
#define GATE_INTERRUPT 0x0e
#define GATE_PRESENT 0x80
#define GATE_PRIVILEGE_SHIFT 5

struct gate {
	uint16_t offset_low;
	uint16_t selector;
	uint8_t stack;
	uint8_t attributes;
	uint16_t offset_middle;
	uint32_t offset_high;
	uint32_t reserved;
};

struct table_pointer {
	uint16_t limit;
	uint64_t base;
} __attribute__((packed));

extern const char interrupt_stubs[];

static struct gate table[VECTOR_COUNT];

void interrupts_set_gate(uint8_t vector, struct gate_options options)
{
	uint64_t entry = (uint64_t)interrupt_stubs + (uint64_t)vector * STUB_SIZE;

	table[vector] = (struct gate){
		.offset_low = (uint16_t)entry,
		.selector = SELECTOR_CODE,
		.stack = options.stack,
		.attributes = (uint8_t)(GATE_INTERRUPT | options.privilege << GATE_PRIVILEGE_SHIFT |
					(options.absent ? 0 : GATE_PRESENT)),
		.offset_middle = (uint16_t)(entry >> 16),
		.offset_high = (uint32_t)(entry >> 32),
	};
}

void interrupts_set_count(unsigned count)
{
	struct table_pointer pointer = {(uint16_t)(count * sizeof *table - 1), (uint64_t)table};

	__asm__ volatile("lidt %0" : : "m"(pointer));
}

void interrupts_init(void)
{
	for (unsigned vector = 0; vector < VECTOR_COUNT; vector++)
		interrupts_set_gate((uint8_t)vector, (struct gate_options){0});
	interrupts_set_count(VECTOR_COUNT);
}

bool has_error_code(uint64_t vector)
{
	return vector == 8 || (vector >= 10 && vector <= 14) || vector == 17 || vector == 21;
}
