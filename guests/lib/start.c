/* The first C code: reads what the loader says, runs the guest, ends. */
#include "boot-info.h"
#include "power.h"
#include "serial.h"

_Noreturn void start(enum boot_protocol protocol, uintptr_t address);

static struct boot_info info;

_Noreturn void start(enum boot_protocol protocol, uintptr_t address)
{
	serial_init();
	read_boot_info(protocol, address, &info);
	power_off((uint32_t)main(&info));
}
