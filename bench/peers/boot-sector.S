/*
 * Boot sector for Bochs, which has no -kernel: reads what follows it on the
 * disk to 0x8000 by BIOS calls, goes to protected mode, copies the image
 * to where it belongs and enters it as a multiboot 1 loader does.
 *
 * At 0x8000 then lie, as bench/peers/boot-disk.ts wrote them: the image's
 * address, length and entry, at 0x8010 the multiboot information, and from
 * 0x8200 on the image.
 */

#define MULTIBOOT_LOADER_MAGIC 0x2badb002
#define SECTORS 127		/* the most that one call reads everywhere */
#define CALLS 7			/* up to 0x77200, below what the BIOS keeps for itself */
#define PARAGRAPHS (SECTORS * 512 / 16)
#define PARAMETERS 0x8000
#define INFORMATION 0x8010
#define IMAGE 0x8200

	.code16
	.globl _start
_start:
	cli
	xorw %ax, %ax
	movw %ax, %ds
	movw %ax, %ss
	movw $0x7c00, %sp
	movw $packet, %si
	movw $CALLS, %di
1:	movb $0x42, %ah		/* extended read, from the drive in DL */
	int $0x13
2:	jc 2b
	addw $PARAGRAPHS, packet_segment
	addl $SECTORS, packet_sector
	decw %di
	jnz 1b
	inb $0x92, %al		/* A20 on */
	orb $2, %al
	outb %al, $0x92
	lgdtl gdt_pointer
	movl %cr0, %eax
	orb $1, %al
	movl %eax, %cr0
	ljmpl $8, $protected

	.code32
protected:
	movw $16, %ax
	movw %ax, %ds
	movw %ax, %es
	movw %ax, %ss
	movl $IMAGE, %esi
	movl PARAMETERS, %edi
	movl PARAMETERS + 4, %ecx
	cld
	rep movsb
	movl $MULTIBOOT_LOADER_MAGIC, %eax
	movl $INFORMATION, %ebx
	jmp *PARAMETERS + 8

	.balign 4
packet:
	.byte 16, 0
	.word SECTORS
	.word 0
packet_segment:
	.word PARAMETERS >> 4
packet_sector:
	.quad 1
gdt:
	.quad 0
	.quad 0x00cf9b000000ffff
	.quad 0x00cf93000000ffff
gdt_pointer:
	.word gdt_pointer - gdt - 1
	.long gdt

	.org 510
	.word 0xaa55

	.section .note.GNU-stack, "", @progbits
