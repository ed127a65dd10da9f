/* Page tables: SDM vol. 3, 4.5 "4-Level Paging", figure 4-11 for the entries. */
#include "paging.h"

#include <stdint.h>

#include "cpu.h"

#define ENTRIES 512
#define PRESENT (1ull << 0)
#define WRITABLE (1ull << 1)
#define USER (1ull << 2)
#define LARGE (1ull << 7)
#define LARGE_RESERVED (1ull << 13)
#define ADDRESS_TOO_WIDE (1ull << 51)
#define NO_EXECUTE (1ull << 63)

/* MOV EAX, imm32 with its immediate on the next page. */
#define MOV_EAX_IMMEDIATE 0xb8

typedef uint64_t page_table[ENTRIES];

extern page_table boot_pml4, boot_pdpt, boot_page_directories;

static page_table window_pdpt __attribute__((aligned(PAGE_SIZE)));
static page_table window_directory __attribute__((aligned(PAGE_SIZE)));
static page_table window_pages __attribute__((aligned(PAGE_SIZE)));
static union {
	uint64_t pattern;
	uint8_t bytes[PAGE_SIZE];
} frame __attribute__((aligned(PAGE_SIZE)));

static void set_page(uint64_t address, uint64_t entry)
{
	window_pages[(address - WINDOW) / PAGE_SIZE] = entry;
	__asm__ volatile("invlpg (%0)" : : "r"(address) : "memory");
}

void paging_init(bool no_execute)
{
	uint64_t here = (uint64_t)&frame | PRESENT;

	if (no_execute)
		write_msr(MSR_EFER, read_msr(MSR_EFER) | EFER_NXE);
	frame.pattern = PAGE_PATTERN;
	frame.bytes[PAGE_SIZE - 1] = MOV_EAX_IMMEDIATE;

	/* The first 2 MiB, where the image lies. */
	boot_pml4[0] |= USER;
	boot_pdpt[0] |= USER;
	boot_page_directories[0] |= USER;

	boot_pml4[WINDOW >> 39] = (uint64_t)window_pdpt | PRESENT | WRITABLE | USER;
	window_pdpt[0] = (uint64_t)window_directory | PRESENT | WRITABLE | USER;
	window_directory[0] = (uint64_t)window_pages | PRESENT | WRITABLE | USER;
	window_directory[1] = PRESENT | WRITABLE | LARGE | LARGE_RESERVED;

	set_page(PAGE_READ_ONLY, here | USER);
	set_page(PAGE_NO_EXECUTE, here | WRITABLE | USER | (no_execute ? NO_EXECUTE : 0));
	set_page(PAGE_RESERVED_BIT, here | WRITABLE | ADDRESS_TOO_WIDE);
	set_page(PAGE_SUPERVISOR, here | WRITABLE);
	set_page(PAGE_BEFORE_ABSENT, here | WRITABLE | USER);

	write_cr0(read_cr0() | CR0_WP);
	write_cr3(read_cr3());
}

void paging_map_absent(void)
{
	set_page(PAGE_ABSENT, (uint64_t)&frame | PRESENT | WRITABLE | USER);
}

void paging_unmap_absent(void)
{
	set_page(PAGE_ABSENT, 0);
}

unsigned paging_bytes_before_absent(void)
{
	unsigned value;

	__builtin_memcpy(&value, frame.bytes + PAGE_SIZE - sizeof value, sizeof value);
	return value & 0xffffff; /* the last byte is the opcode above */
}
