/*
 * setjmp and longjmp as glibc's headers name them for Lua: what a callee saves,
 * the stack pointer and the return address, in a jmp_buf of at least 64 bytes.
 */
	.text
	.globl _setjmp
	.type _setjmp, @function
_setjmp:
	movq %rbx, (%rdi)
	movq %rbp, 8(%rdi)
	movq %r12, 16(%rdi)
	movq %r13, 24(%rdi)
	movq %r14, 32(%rdi)
	movq %r15, 40(%rdi)
	leaq 8(%rsp), %rax
	movq %rax, 48(%rdi)
	movq (%rsp), %rax
	movq %rax, 56(%rdi)
	xorl %eax, %eax
	ret
	.size _setjmp, . - _setjmp

	.globl __longjmp_chk
	.type __longjmp_chk, @function
__longjmp_chk:
	movl %esi, %eax
	movq (%rdi), %rbx
	movq 8(%rdi), %rbp
	movq 16(%rdi), %r12
	movq 24(%rdi), %r13
	movq 32(%rdi), %r14
	movq 40(%rdi), %r15
	movq 48(%rdi), %rsp
	jmp *56(%rdi)
	.size __longjmp_chk, . - __longjmp_chk

	.section .note.GNU-stack, "", @progbits
