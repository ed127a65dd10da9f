/*
 * One entry point per vector, all ending in interrupt_handler(struct trap *).
 *
 * Each pushes a zero where the processor pushes no error code, then its vector,
 * so that the frame is always that of struct trap. SSE registers are not saved:
 * guests that take interrupts are compiled to leave them alone.
 *
 * SDM vol. 3, 6.14.2 "64-Bit Mode Stack Frame" and table 6-1 (error codes).
 */
#define VECTORS 256
#define STUB_SIZE 16

/* Vectors with an error code: #DF, #TS, #NP, #SS, #GP, #PF, #AC, #CP. */
#define HAS_ERROR_CODE(vector) \
	((vector) == 8 || ((vector) >= 10 && (vector) <= 14) || (vector) == 17 || (vector) == 21)

	.text
	.balign STUB_SIZE
	.globl interrupt_stubs
	.type interrupt_stubs, @function
interrupt_stubs:
	.set vector, 0
	.rept VECTORS
	.if !HAS_ERROR_CODE(vector)
	pushq $0
	.endif
	pushq $vector
	jmp interrupt_common
	.balign STUB_SIZE, 0xcc
	.set vector, vector + 1
	.endr
	.size interrupt_stubs, . - interrupt_stubs

	.type interrupt_common, @function
interrupt_common:
	pushq %rax
	pushq %rcx
	pushq %rdx
	pushq %rbx
	pushq %rbp
	pushq %rsi
	pushq %rdi
	pushq %r8
	pushq %r9
	pushq %r10
	pushq %r11
	pushq %r12
	pushq %r13
	pushq %r14
	pushq %r15
	cld
	movq %rsp, %rdi
	call interrupt_handler
	popq %r15
	popq %r14
	popq %r13
	popq %r12
	popq %r11
	popq %r10
	popq %r9
	popq %r8
	popq %rdi
	popq %rsi
	popq %rbp
	popq %rbx
	popq %rdx
	popq %rcx
	popq %rax
	addq $16, %rsp		/* the vector and the error code */
	iretq
	.size interrupt_common, . - interrupt_common

	.section .note.GNU-stack, "", @progbits
