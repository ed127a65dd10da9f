/* How a guest ends. */
#pragma once

#include <stdint.h>

#define STATUS_SUCCESS 0
#define STATUS_FAILURE 1

/*
 * Status 0 powers the machine off by ACPI; any other goes to the debug-exit
 * port, which makes a process status of 2 * status + 1.
 */
_Noreturn void power_off(uint32_t status);

/* Writes to the debug-exit port, whatever the status. */
_Noreturn void debug_exit(uint32_t status);
