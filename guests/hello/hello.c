/*
 * Greets, then tells what the machine looks like from inside: how it was
 * booted, its memory map, clock, modules and processor.
 */
#include "boot-info.h"
#include "cpu.h"
#include "print.h"
#include "rtc.h"

#define SHOWN_BYTES 16

static const char *memory_type_name(uint32_t type)
{
	switch (type) {
	case MEMORY_USABLE:
		return "usable";
	case MEMORY_RESERVED:
		return "reserved";
	case MEMORY_ACPI:
		return "ACPI tables";
	case MEMORY_ACPI_NVS:
		return "ACPI NVS";
	case MEMORY_BAD:
		return "bad";
	default:
		return "unknown";
	}
}

static void print_boot(const struct boot_info *info)
{
	print("Booted by: %s\n", info->protocol == PROTOCOL_MULTIBOOT ? "multiboot 1" : "PVH");
	print("Loader: %s\n", *info->loader ? info->loader : "(no name)");
	print("Command line: %s\n", *info->command_line ? info->command_line : "(none)");
}

static void print_memory(const struct boot_info *info)
{
	uint64_t usable = 0;

	print("Memory map:\n");
	for (size_t i = 0; i < info->memory_count; i++) {
		const struct memory_range *range = &info->memory[i];

		print("  0x%012lx-0x%012lx %s\n", range->start, range->end, memory_type_name(range->type));
		if (range->type == MEMORY_USABLE)
			usable += range->end - range->start;
	}
	print("Usable memory: %lu KiB\n", usable / 1024);
}

static void print_modules(const struct boot_info *info)
{
	print("Modules: %lu\n", info->module_count);
	for (size_t i = 0; i < info->module_count; i++) {
		const struct module *module = &info->modules[i];

		print("  %s, %lu bytes:", *module->name ? module->name : "(no name)", module->size);
		for (size_t at = 0; at < module->size && at < SHOWN_BYTES; at++)
			print(" %02x", module->start[at]);
		print("\n");
	}
}

static void print_clock(void)
{
	struct date_time now = rtc_read();

	print("Clock: %04u-%02u-%02u %02u:%02u:%02u UTC\n", now.year, now.month, now.day, now.hour,
	      now.minute, now.second);
}

/* CPUID leaves 0 and 0x80000002 to 0x80000004; SDM vol. 2A, CPUID. */
static void print_cpu(void)
{
	struct cpuid leaf = cpuid(0);
	union {
		uint32_t words[3];
		char text[13];
	} vendor = {.words = {leaf.ebx, leaf.edx, leaf.ecx}};
	union {
		struct cpuid leaves[3];
		char text[49];
	} brand = {0};
	const char *name = brand.text;

	vendor.text[12] = '\0';
	if (cpuid(0x80000000).eax >= 0x80000004)
		for (uint32_t i = 0; i < 3; i++)
			brand.leaves[i] = cpuid(0x80000002 + i);
	brand.text[48] = '\0';
	while (*name == ' ')
		name++;
	print("CPU: %s, %s\n", vendor.text, *name ? name : "(no brand)");
}

int main(const struct boot_info *info)
{
	print("Hello from a unikernel on univisor!\n");
	print_boot(info);
	print_memory(info);
	print_modules(info);
	print_clock();
	print_cpu();
	print("Goodbye.\n");
	return 0;
}
