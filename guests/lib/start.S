/*
 * Start-up: the multiboot 1 header, the PVH note, and the way from 32-bit
 * protected mode to `start()` in 64-bit mode on identity-mapped pages.
 *
 * Leaves out: a check for long mode (every x86-64 has it), interrupts (they
 * stay off, no IDT is loaded), and the NX bit.
 *
 * Multiboot specification 0.6.96, sections 3.1 and 3.2; Xen's x86/HVM direct
 * boot ABI (PVH); SDM vol. 3, 10.8.5 "Initializing IA-32e Mode".
 */

#include "selectors.h"

#define MULTIBOOT_HEADER_MAGIC 0x1badb002
#define MULTIBOOT_LOADER_MAGIC 0x2badb002
/* Bit 0: modules on page boundaries; bit 1: memory information wanted;
 * bit 16: the address fields below are valid, so an ELF64 will do. */
#define MULTIBOOT_FLAGS 0x00010003

#define PVH_START_MAGIC 0x336ec578
#define XEN_ELFNOTE_PHYS32_ENTRY 18

/* enum boot_protocol of boot-info.h */
#define PROTOCOL_MULTIBOOT 1
#define PROTOCOL_PVH 2

#define CR0_MP (1 << 1)
#define CR0_EM (1 << 2)
#define CR0_TS (1 << 3)
#define CR0_NE (1 << 5)
#define CR0_PG (1 << 31)
#define CR4_PAE (1 << 5)
#define CR4_OSFXSR (1 << 9)
#define CR4_OSXMMEXCPT (1 << 10)
#define MSR_EFER 0xc0000080
#define EFER_LME (1 << 8)

#define PAGE_PRESENT_WRITABLE 0x3
#define PAGE_LARGE 0x80
#define GIBIBYTES 4

#define DEBUG_EXIT_PORT 0xf4
#define BAD_MAGIC_STATUS 0x7f

	.section .multiboot, "a"
	.balign 4
multiboot_header:
	.long MULTIBOOT_HEADER_MAGIC
	.long MULTIBOOT_FLAGS
	.long -(MULTIBOOT_HEADER_MAGIC + MULTIBOOT_FLAGS)
	.long multiboot_header
	.long image_start
	.long image_end
	.long bss_end
	.long multiboot_entry

	.section .note.pvh, "a", @note
	.balign 4
	.long 4
	.long 8
	.long XEN_ELFNOTE_PHYS32_ENTRY
	.asciz "Xen"
	.quad pvh_entry

	.section .text.start, "ax"
	.code32

/* EAX: the loader's magic, EBX: the multiboot information. */
	.globl multiboot_entry
	.type multiboot_entry, @function
multiboot_entry:
	cmpl $MULTIBOOT_LOADER_MAGIC, %eax
	jne bad_magic
	movl $PROTOCOL_MULTIBOOT, %ebp
	jmp enter_long_mode
	.size multiboot_entry, . - multiboot_entry

/* EBX: struct hvm_start_info, which begins with its own magic. */
	.globl pvh_entry
	.type pvh_entry, @function
pvh_entry:
	cmpl $PVH_START_MAGIC, (%ebx)
	jne bad_magic
	movl $PROTOCOL_PVH, %ebp
	jmp enter_long_mode
	.size pvh_entry, . - pvh_entry

	.type bad_magic, @function
bad_magic:
	movl $BAD_MAGIC_STATUS, %eax
	outl %eax, $DEBUG_EXIT_PORT
1:	cli
	hlt
	jmp 1b
	.size bad_magic, . - bad_magic

/* EBP: the protocol, EBX: its information; both survive until start(). */
	.type enter_long_mode, @function
enter_long_mode:
	cli
	cld

	/* Page tables and stack lie in .bss, so it is cleared first. */
	movl $bss_start, %edi
	movl $bss_end, %ecx
	subl %edi, %ecx
	shrl $2, %ecx
	xorl %eax, %eax
	rep stosl

	/* One PML4 entry, GIBIBYTES PDPT entries, 512 pages of 2 MiB each. */
	movl $boot_pdpt + PAGE_PRESENT_WRITABLE, boot_pml4
	movl $boot_page_directories + PAGE_PRESENT_WRITABLE, %eax
	movl $boot_pdpt, %edi
	movl $GIBIBYTES, %ecx
1:	movl %eax, (%edi)
	addl $4096, %eax
	addl $8, %edi
	decl %ecx
	jnz 1b
	movl $PAGE_PRESENT_WRITABLE | PAGE_LARGE, %eax
	movl $boot_page_directories, %edi
	movl $GIBIBYTES * 512, %ecx
1:	movl %eax, (%edi)
	addl $0x200000, %eax
	addl $8, %edi
	decl %ecx
	jnz 1b

	movl %cr4, %eax
	orl $CR4_PAE | CR4_OSFXSR | CR4_OSXMMEXCPT, %eax
	movl %eax, %cr4
	movl $boot_pml4, %eax
	movl %eax, %cr3
	movl $MSR_EFER, %ecx
	rdmsr
	orl $EFER_LME, %eax
	wrmsr
	movl %cr0, %eax
	andl $~(CR0_EM | CR0_TS), %eax
	orl $CR0_PG | CR0_NE | CR0_MP, %eax
	movl %eax, %cr0

	lgdt boot_gdt_pointer
	ljmp $SELECTOR_CODE, $long_mode
	.size enter_long_mode, . - enter_long_mode

	.code64
	.type long_mode, @function
long_mode:
	movl $SELECTOR_DATA, %eax
	movl %eax, %ds
	movl %eax, %es
	movl %eax, %ss
	xorl %eax, %eax
	movl %eax, %fs
	movl %eax, %gs
	movl $boot_stack_top, %esp
	movl %ebp, %edi
	movl %ebx, %esi
	xorl %ebp, %ebp		/* the end of every backtrace */
	call start
	ud2
	.size long_mode, . - long_mode

/* SDM vol. 3, 3.4.5 "Segment Descriptors": flat code with L set, flat data. */
	.data
	.balign 8
boot_gdt:
	.quad 0
	.quad 0x00af9b000000ffff
	.quad 0x00cf93000000ffff
boot_gdt_pointer:
	.word boot_gdt_pointer - boot_gdt - 1
	.quad boot_gdt

	.bss
	.balign 4096
	.globl boot_pml4, boot_pdpt, boot_page_directories
	.type boot_pml4, @object
	.type boot_pdpt, @object
	.type boot_page_directories, @object
boot_pml4:
	.skip 4096
	.size boot_pml4, 4096
boot_pdpt:
	.skip 4096
	.size boot_pdpt, 4096
boot_page_directories:
	.skip 4096 * GIBIBYTES
	.size boot_page_directories, 4096 * GIBIBYTES
boot_stack:
	.skip 32768
boot_stack_top:

	.section .note.GNU-stack, "", @progbits
