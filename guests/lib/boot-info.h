/* What the boot loader told us, the same for multiboot 1 and PVH. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define MAX_MEMORY_RANGES 32
#define MAX_MODULES 8

enum boot_protocol {
	PROTOCOL_MULTIBOOT = 1,
	PROTOCOL_PVH = 2,
};

/* Types as in the BIOS's E820 map, which both protocols use. */
enum memory_type {
	MEMORY_USABLE = 1,
	MEMORY_RESERVED = 2,
	MEMORY_ACPI = 3,
	MEMORY_ACPI_NVS = 4,
	MEMORY_BAD = 5,
};

struct memory_range {
	uint64_t start;
	uint64_t end;
	uint32_t type;
};

struct module {
	const char *name;
	const uint8_t *start;
	uint64_t size;
};

/* Texts are never null: what the loader leaves out is "". */
struct boot_info {
	enum boot_protocol protocol;
	const char *loader;
	const char *command_line;
	size_t memory_count;
	struct memory_range memory[MAX_MEMORY_RANGES];
	size_t module_count;
	struct module modules[MAX_MODULES];
};

/* Reads the loader's structures; what exceeds the tables above is left out. */
void read_boot_info(enum boot_protocol protocol, uintptr_t address, struct boot_info *info);

/* Every guest defines it; the result goes to power_off(). */
int main(const struct boot_info *info);
