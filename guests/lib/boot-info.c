/*
 * Parses multiboot 1's information (specification 0.6.96, 3.3) and PVH's
 * struct hvm_start_info (Xen's public/arch-x86/hvm/start_info.h). The loaders
 * are trusted: their addresses are followed as they stand.
 */
#include "boot-info.h"


#define MULTIBOOT_HAS_MEMORY (1u << 0)
#define MULTIBOOT_HAS_COMMAND_LINE (1u << 2)
#define MULTIBOOT_HAS_MODULES (1u << 3)
#define MULTIBOOT_HAS_MEMORY_MAP (1u << 6)
#define MULTIBOOT_HAS_LOADER_NAME (1u << 9)

#define KIBIBYTE 1024ull
#define MEBIBYTE (1024 * KIBIBYTE)

struct multiboot_info {
	uint32_t flags;
	uint32_t memory_lower, memory_upper;
	uint32_t boot_device;
	uint32_t command_line;
	uint32_t module_count, modules;
	uint32_t symbols[4];
	uint32_t memory_map_size, memory_map;
	uint32_t drives_size, drives;
	uint32_t config_table;
	uint32_t loader_name;
};

struct multiboot_module {
	uint32_t start, end;
	uint32_t text;
	uint32_t reserved;
};

/* `size` counts the bytes after itself. */
struct multiboot_memory {
	uint32_t size;
	uint64_t start;
	uint64_t length;
	uint32_t type;
} __attribute__((packed));

struct pvh_start_info {
	uint32_t magic;
	uint32_t version;
	uint32_t flags;
	uint32_t module_count;
	uint64_t modules;
	uint64_t command_line;
	uint64_t rsdp;
	/* from version 1 on */
	uint64_t memory_map;
	uint32_t memory_map_entries;
	uint32_t reserved;
};

struct pvh_module {
	uint64_t start, size;
	uint64_t text;
	uint64_t reserved;
};

struct pvh_memory {
	uint64_t start, length;
	uint32_t type;
	uint32_t reserved;
};

static const char *text_at(uint64_t address)
{
	return address ? (const char *)address : "";
}

static void add_memory(struct boot_info *info, uint64_t start, uint64_t length, uint32_t type)
{
	if (info->memory_count < MAX_MEMORY_RANGES)
		info->memory[info->memory_count++] = (struct memory_range){start, start + length, type};
}

static void add_module(struct boot_info *info, uint64_t start, uint64_t size, uint64_t text)
{
	if (info->module_count < MAX_MODULES)
		info->modules[info->module_count++] =
			(struct module){text_at(text), (const uint8_t *)start, size};
}

static void read_multiboot_memory(const struct multiboot_info *source, struct boot_info *info)
{
	uint64_t at = source->memory_map, end = at + source->memory_map_size;

	if (source->flags & MULTIBOOT_HAS_MEMORY_MAP) {
		while (at < end) {
			const struct multiboot_memory *entry = (const void *)at;

			add_memory(info, entry->start, entry->length, entry->type);
			at += entry->size + sizeof entry->size;
		}
	} else if (source->flags & MULTIBOOT_HAS_MEMORY) {
		add_memory(info, 0, source->memory_lower * KIBIBYTE, MEMORY_USABLE);
		add_memory(info, MEBIBYTE, source->memory_upper * KIBIBYTE, MEMORY_USABLE);
	}
}

static void read_multiboot(const struct multiboot_info *source, struct boot_info *info)
{
	if (source->flags & MULTIBOOT_HAS_COMMAND_LINE)
		info->command_line = text_at(source->command_line);
	if (source->flags & MULTIBOOT_HAS_LOADER_NAME)
		info->loader = text_at(source->loader_name);
	if (source->flags & MULTIBOOT_HAS_MODULES) {
		const struct multiboot_module *modules = (const void *)(uintptr_t)source->modules;

		for (uint32_t i = 0; i < source->module_count; i++)
			add_module(info, modules[i].start, modules[i].end - modules[i].start, modules[i].text);
	}
	read_multiboot_memory(source, info);
}

static void read_pvh(const struct pvh_start_info *source, struct boot_info *info)
{
	const struct pvh_module *modules = (const void *)source->modules;
	const struct pvh_memory *memory = (const void *)source->memory_map;

	info->command_line = text_at(source->command_line);
	for (uint32_t i = 0; i < source->module_count; i++)
		add_module(info, modules[i].start, modules[i].size, modules[i].text);
	if (source->version >= 1)
		for (uint32_t i = 0; i < source->memory_map_entries; i++)
			add_memory(info, memory[i].start, memory[i].length, memory[i].type);
}

void read_boot_info(enum boot_protocol protocol, uintptr_t address, struct boot_info *info)
{
	info->protocol = protocol;
	info->loader = "";
	info->command_line = "";
	info->memory_count = 0;
	info->module_count = 0;
	if (protocol == PROTOCOL_MULTIBOOT)
		read_multiboot((const void *)address, info);
	else
		read_pvh((const void *)address, info);
}
