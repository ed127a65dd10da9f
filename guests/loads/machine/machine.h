/* What the loads that need a machine share: their traps and their places in the table. */
#pragma once

#include "../loads.h"

#include "interrupts.h"

extern const struct load paging_load, interrupts_load, syscalls_load;

/* Sends a vector's interrupts or exceptions to a function. */
void handle(uint8_t vector, void (*handler)(struct trap *trap));
