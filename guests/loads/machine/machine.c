/* The table of the loads that need a machine, and the one interrupt handler of all of them. */
#include "machine.h"

#include "power.h"
#include "print.h"

const struct load *const machine_loads[] = {&paging_load, &interrupts_load, &syscalls_load, NULL};

static void (*handlers[VECTOR_COUNT])(struct trap *trap);

void handle(uint8_t vector, void (*handler)(struct trap *trap))
{
	handlers[vector] = handler;
}

void interrupt_handler(struct trap *trap)
{
	if (!handlers[trap->vector]) {
		print("Unexpected vector %lu at %lx, error code %lx\n", trap->vector, trap->rip, trap->error_code);
		power_off(STATUS_FAILURE);
	}
	handlers[trap->vector](trap);
}
