/* Ending: ACPI's PM1a control block at 0x604, the debug-exit port at 0xF4. */
#include "power.h"

#include "ports.h"
#include "serial.h"

#define ACPI_PM1A_CONTROL 0x604
#define ACPI_SLEEP_ENABLE_S5 0x2000
#define DEBUG_EXIT_PORT 0xf4

/* A machine may take a while to act on the power-off, and goes on meanwhile. */
#define POWER_OFF_PATIENCE 200000

_Noreturn void debug_exit(uint32_t status)
{
	out32(DEBUG_EXIT_PORT, status);
	for (;;)
		__asm__ volatile("cli; hlt");
}

_Noreturn void power_off(uint32_t status)
{
	if (status == STATUS_SUCCESS) {
		out16(ACPI_PM1A_CONTROL, ACPI_SLEEP_ENABLE_S5);
		for (int i = 0; i < POWER_OFF_PATIENCE; i++)
			in8(SERIAL_PORT + SERIAL_LINE_STATUS);
	}
	debug_exit(status);
}
