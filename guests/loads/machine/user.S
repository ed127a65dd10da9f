/*
 * The program in ring 3, the entry of its system calls, and the ways between.
 * A call has its number in RAX and its argument in RDI, and returns in RAX.
 */

#define LAST_CALL 4
#define PROCESSOR_KERNEL_STACK 0
#define PROCESSOR_USER_STACK 8
#define USER_FLAGS 2		/* only the bit that is always set: interrupts stay off */

	.text
/* uint64_t run_user(uint64_t calls, uint64_t check, uint8_t *stack) */
	.globl run_user
	.type run_user, @function
run_user:
	pushq %rbp
	pushq %rbx
	pushq %r12
	movq %rsp, processor + PROCESSOR_KERNEL_STACK
	movq %rdi, %rbx
	movq %rsi, %r12
	movq %rdx, %rsp
	leaq user_program(%rip), %rcx
	movl $USER_FLAGS, %r11d
	sysretq
	.size run_user, . - run_user

/* RBX: the calls still to make, R12: the check value. */
	.type user_program, @function
user_program:
1:	movq %r12, %rdi
	movl %r12d, %eax
	andl $3, %eax
	testb $7, %bl
	jz 2f
	syscall
	jmp 3f
2:	int $0x80
3:	movq %rax, %r12
	decq %rbx
	jnz 1b
	movl $LAST_CALL, %eax
	syscall
	ud2
	.size user_program, . - user_program

	.globl system_call_entry
	.type system_call_entry, @function
system_call_entry:
	swapgs
	movq %rsp, %gs:PROCESSOR_USER_STACK
	movq %gs:PROCESSOR_KERNEL_STACK, %rsp
	cmpl $LAST_CALL, %eax
	je 1f
	pushq %rcx
	pushq %r11
	call *kernel_functions(, %rax, 8)
	popq %r11
	popq %rcx
	movq %gs:PROCESSOR_USER_STACK, %rsp
	swapgs
	sysretq
1:	swapgs
	movq %r12, %rax
	popq %r12
	popq %rbx
	popq %rbp
	ret
	.size system_call_entry, . - system_call_entry

	.bss
	.balign 16
	.skip 4096
	.globl user_stack_top
user_stack_top:
	.skip 16

	.section .note.GNU-stack, "", @progbits
