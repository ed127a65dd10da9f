/*
 * One routine per case, each around the one instruction that raises the
 * exception: at_NAME is the RIP the processor must save (the instruction itself
 * for a fault, the one after it for a trap), next_NAME where to go on.
 * The two runners call a routine so that a handler can always break it off.
 */
#include "descriptors.h"
#include "paging.h"
#include "vectors.h"

#define NON_CANONICAL 0x0000800000000000
#define RFLAGS_TF 0x100
#define RFLAGS_NT 0x4000
#define RFLAGS_AC 0x40000
#define RFLAGS_OF 0x800
#define MXCSR_DEFAULT 0x1f80
#define MXCSR_DIVIDE_BY_ZERO_UNMASKED 0x1d80
#define X87_DIVIDE_BY_ZERO_UNMASKED 0x037b
#define NO_SUCH_MSR 0xdeadbeef

	.text

/* run_supervisor(cause) and run_user(cause): return when the cause returns, or through `recover`. */
	.macro runner name
	.globl \name
	.type \name, @function
\name:
	pushq %rbp
	movq %rsp, %rbp
	pushq %rbx
	pushq %r12
	pushq %r13
	pushq %r14
	pushq %r15
	subq $8, %rsp
	movq %rsp, recovery_rsp
	.endm

	runner run_supervisor
	call *%rdi

/* A handler comes here from any state, with nothing but CS as it should be. */
	.globl recover
	.type recover, @function
recover:
	movl $SELECTOR_DATA, %eax
	movl %eax, %ds
	movl %eax, %es
	movl %eax, %ss
	movq recovery_rsp, %rsp
	addq $8, %rsp
	popq %r15
	popq %r14
	popq %r13
	popq %r12
	popq %rbx
	popq %rbp
	ret
	.size recover, . - recover
	.size run_supervisor, . - run_supervisor

	runner run_user
	movq $user_return, user_stack_return
	pushq $SELECTOR_USER_DATA
	pushq $user_stack_return
	pushq $2
	pushq $SELECTOR_USER_CODE
	pushq %rdi
	iretq
user_return:
	int $VECTOR_USER_RETURN
	.size run_user, . - run_user

	.macro cause name
	.globl cause_\name, at_\name, next_\name
	.type cause_\name, @function
cause_\name:
	.endm

	.macro faults name, instruction:vararg
at_\name:
	\instruction
next_\name:
	.endm

	.macro traps name, instruction:vararg
	\instruction
at_\name:
next_\name:
	.endm

	.macro end name
	ret
	.size cause_\name, . - cause_\name
	.endm

/* For a cause of one instruction. */
	.macro one_fault name, instruction:vararg
	cause \name
	faults \name, \instruction
	end \name
	.endm

	.macro one_trap name, instruction:vararg
	cause \name
	traps \name, \instruction
	end \name
	.endm

/* Divide error */

	cause divide_by_zero
	movl $1, %eax
	xorl %edx, %edx
	xorl %ecx, %ecx
	faults divide_by_zero, divl %ecx
	end divide_by_zero

	cause divide_overflow
	movl $1, %edx
	xorl %eax, %eax
	movl $1, %ecx
	faults divide_overflow, divq %rcx
	end divide_overflow

	cause divide_signed
	movl $0x80000000, %eax
	cltd
	movl $-1, %ecx
	faults divide_signed, idivl %ecx
	end divide_signed

/* Debug, breakpoint, overflow, bounds */

	cause single_step
	pushfq
	orq $RFLAGS_TF, (%rsp)
	popfq
	traps single_step, nop
	end single_step

	one_trap icebp, .byte 0xf1
	one_trap int3, int3
	one_trap int_3, .byte 0xcd, 3
	one_trap int3_user, int3
	one_trap nmi_by_int, int $2
	one_trap int_4, int $4

	cause into
	pushq $SELECTOR_CODE_32
	pushq $1f
	lretq
	.code32
1:
	pushfl
	orl $RFLAGS_OF, (%esp)
	popfl
	traps into, into
	ljmp $SELECTOR_CODE, $2f
	.code64
2:
	end into

	cause bound
	pushq $SELECTOR_CODE_32
	pushq $1f
	lretq
	.code32
1:
	movl $11, %eax
	faults bound, boundl %eax, bounds
	ljmp $SELECTOR_CODE, $2f
	.code64
2:
	end bound

/* Invalid opcode */

	one_fault ud2, ud2
	one_fault lock_register, .byte 0xf0, 0x01, 0xc0		/* lock addl %eax, %eax */
	one_fault lock_mov, .byte 0xf0, 0x89, 0x44, 0x24, 0xf8	/* lock movl %eax, -8(%rsp) */
	one_fault into_64, .byte 0xce
	one_fault mov_to_cs, .byte 0x8e, 0xc8
	one_fault mov_from_cr1, .byte 0x0f, 0x20, 0xc8
	one_fault sse_emulated, xorps %xmm0, %xmm0

	cause sse_exception_unsupported
	ldmxcsr mxcsr_unmasked
	movaps ones, %xmm0
	xorps %xmm1, %xmm1
	faults sse_exception_unsupported, divps %xmm1, %xmm0
	ldmxcsr mxcsr_default
	end sse_exception_unsupported

/* Device not available */

	one_fault sse_task_switched, xorps %xmm0, %xmm0
	one_fault sse_repaired, xorps %xmm0, %xmm0
	one_fault x87_task_switched, fninit
	one_fault x87_emulated, fninit
	one_fault wait_task_switched, fwait

/* Double fault */

	cause double_by_gate
	movl $SELECTOR_BEYOND_TABLE, %eax
	faults double_by_gate, movl %eax, %ds
	end double_by_gate

	cause double_by_stack
	movabsq $PAGE_ABSENT + 0x800, %rsp
	faults double_by_stack, pushq %rax
	end double_by_stack

/* Invalid TSS, segment not present, stack fault */

	one_fault short_tss, int $VECTOR_LAST_STACK

	cause load_absent
	movl $SELECTOR_ABSENT_DATA, %eax
	faults load_absent, movl %eax, %ds
	end load_absent

	cause far_return_absent
	pushq $SELECTOR_ABSENT_CODE
	pushq $next_far_return_absent
	faults far_return_absent, lretq
	end far_return_absent

	cause ltr_absent
	movl $SELECTOR_ABSENT_TSS, %eax
	faults ltr_absent, ltr %ax
	end ltr_absent

	one_fault absent_gate, int $VECTOR_ABSENT

	cause load_absent_stack
	movl $SELECTOR_ABSENT_DATA, %eax
	faults load_absent_stack, movl %eax, %ss
	end load_absent_stack

	cause iret_absent_stack
	pushq $SELECTOR_ABSENT_USER_DATA
	pushq $user_stack_return
	pushq $2
	pushq $SELECTOR_USER_CODE
	pushq $user_return
	faults iret_absent_stack, iretq
	end iret_absent_stack

	cause stack_non_canonical
	pushq %rbp
	movabsq $NON_CANONICAL, %rbp
	faults stack_non_canonical, movq (%rbp), %rax
	popq %rbp
	end stack_non_canonical

	cause push_non_canonical
	movabsq $NON_CANONICAL + 0x1000, %rsp
	faults push_non_canonical, pushq %rax
	end push_non_canonical

/* General protection, ring 0 */

	cause read_non_canonical
	movabsq $NON_CANONICAL, %rcx
	faults read_non_canonical, movq (%rcx), %rax
	end read_non_canonical

	cause jump_non_canonical
	movabsq $NON_CANONICAL, %rcx
	faults jump_non_canonical, jmpq *%rcx
	end jump_non_canonical

	cause return_non_canonical
	movabsq $NON_CANONICAL, %rcx
	pushq %rcx
	faults return_non_canonical, ret
	end return_non_canonical

	cause rdmsr_unknown
	movl $NO_SUCH_MSR, %ecx
	faults rdmsr_unknown, rdmsr
	end rdmsr_unknown

	cause wrmsr_unknown
	movl $NO_SUCH_MSR, %ecx
	xorl %eax, %eax
	xorl %edx, %edx
	faults wrmsr_unknown, wrmsr
	end wrmsr_unknown

	cause load_beyond_table
	movl $SELECTOR_BEYOND_TABLE, %eax
	faults load_beyond_table, movl %eax, %ds
	end load_beyond_table

	cause stack_wrong_privilege
	movl $SELECTOR_USER_DATA, %eax
	faults stack_wrong_privilege, movl %eax, %ss
	end stack_wrong_privilege

	cause far_return_to_data
	pushq $SELECTOR_DATA
	pushq $next_far_return_to_data
	faults far_return_to_data, lretq
	end far_return_to_data

	cause ltr_busy
	movl $SELECTOR_TSS, %eax
	faults ltr_busy, ltr %ax
	end ltr_busy

	cause cr4_reserved
	movq %cr4, %rax
	btsq $15, %rax
	faults cr4_reserved, movq %rax, %cr4
	end cr4_reserved

	cause cr4_without_pae
	movq %cr4, %rax
	btrq $5, %rax
	faults cr4_without_pae, movq %rax, %cr4
	end cr4_without_pae

	cause cr0_paging_unprotected
	movq %cr0, %rax
	btrq $0, %rax
	faults cr0_paging_unprotected, movq %rax, %cr0
	end cr0_paging_unprotected

	cause iret_nested_task
	pushq $SELECTOR_DATA
	pushq %rsp
	pushq $2
	pushq $SELECTOR_CODE
	pushq $next_iret_nested_task
	pushfq
	orq $RFLAGS_NT, (%rsp)
	popfq
	faults iret_nested_task, iretq
	end iret_nested_task

	.macro nop_one_byte_too_long
	.fill 15, 1, 0x66
	nop
	.endm
	one_fault sixteen_bytes, nop_one_byte_too_long

	one_fault movaps_misaligned, movaps ones + 4, %xmm0
	one_fault ldmxcsr_reserved, ldmxcsr mxcsr_reserved
	one_fault beyond_idt, int $VECTOR_BEYOND_LIMIT

/* General protection, ring 3 */

	one_fault user_hlt, hlt
	one_fault user_cli, cli
	one_fault user_in, inb $0x80, %al
	one_fault user_cr0, movq %cr0, %rax
	one_fault user_lgdt, lgdt bounds
	one_fault user_rdmsr, rdmsr
	one_fault user_int_32, int $32
	one_fault user_int_14, int $14

	cause user_load_supervisor
	movl $SELECTOR_DATA, %eax
	faults user_load_supervisor, movl %eax, %ds
	end user_load_supervisor

/* Page fault */

	.macro reads name, address
	cause \name
	movabsq $\address, %rcx
	faults \name, movq (%rcx), %rax
	end \name
	.endm

	.macro writes name, address
	cause \name
	movabsq $\address, %rcx
	faults \name, movq %rcx, (%rcx)
	end \name
	.endm

	.macro fetches name, address
	cause \name
	movabsq $\address, %rcx
	jmpq *%rcx
	.globl at_\name, next_\name
at_\name:
next_\name:
	end \name
	.endm

	reads read_absent, PAGE_ABSENT
	writes write_absent, PAGE_ABSENT
	fetches fetch_absent, PAGE_ABSENT
	writes write_read_only, PAGE_READ_ONLY
	fetches fetch_no_execute, PAGE_NO_EXECUTE
	reads read_reserved_bit, PAGE_RESERVED_BIT
	writes write_reserved_bit, LARGE_PAGE_RESERVED_BIT
	fetches fetch_straddling, (PAGE_ABSENT_AFTER-1)
	reads user_read_absent, PAGE_ABSENT
	reads user_read_supervisor, PAGE_SUPERVISOR
	writes user_write_supervisor, PAGE_SUPERVISOR
	fetches user_fetch_supervisor, PAGE_SUPERVISOR
	writes user_write_read_only, PAGE_READ_ONLY

	cause write_straddling
	movabsq $PAGE_ABSENT_AFTER - 4, %rcx
	movq $-1, %rax
	faults write_straddling, movq %rax, (%rcx)
	end write_straddling

	.globl repaired_value
	cause read_repaired
	movabsq $PAGE_ABSENT, %rcx
	faults read_repaired, movq (%rcx), %rax
	movq %rax, repaired_value
	end read_repaired

/* Floating point and alignment */

	cause x87_divide
	fninit
	fldcw x87_unmasked
	fld1
	fldz
	fdivrp %st, %st(1)
	faults x87_divide, fwait
	fnclex
	fninit
	end x87_divide

	cause user_misaligned
	pushfq
	orq $RFLAGS_AC, (%rsp)
	popfq
	faults user_misaligned, movl ones + 1, %eax
	end user_misaligned

	cause sse_divide
	ldmxcsr mxcsr_unmasked
	movaps ones, %xmm0
	xorps %xmm1, %xmm1
	faults sse_divide, divps %xmm1, %xmm0
	ldmxcsr mxcsr_default
	end sse_divide

	.section .rodata
	.balign 16
ones:
	.float 1, 1, 1, 1, 1
bounds:
	.long 0, 10
mxcsr_default:
	.long MXCSR_DEFAULT
mxcsr_unmasked:
	.long MXCSR_DIVIDE_BY_ZERO_UNMASKED
mxcsr_reserved:
	.long 0x80000000
x87_unmasked:
	.word X87_DIVIDE_BY_ZERO_UNMASKED

	.bss
	.balign 16
	.skip 4096
user_stack_return:
	.skip 8
recovery_rsp:
	.skip 8
repaired_value:
	.skip 8

	.section .note.GNU-stack, "", @progbits
