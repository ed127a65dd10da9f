/*
 * A program in ring 3 that calls its kernel: SYSCALL, SWAPGS and SYSRET, and
 * every eighth time INT 0x80 and IRET. The assembly part is in user.S.
 *
 * SDM vol. 3, 5.8.8 "Fast System Calls in 64-Bit Mode".
 */
#include "cpu.h"
#include "descriptors.h"
#include "machine.h"

#define CALLS_A_ROUND 1000

#define MSR_STAR 0xc0000081u
#define MSR_LSTAR 0xc0000082u
#define MSR_FMASK 0xc0000084u
#define MSR_KERNEL_GS_BASE 0xc0000102u
#define EFER_SCE 1u

#define VECTOR_KERNEL_CALL 0x80
#define PAGE_USER 4u
#define ENTRIES 512u

/* SYSRET takes SS from here plus 8 and CS from here plus 16. */
#define SYSRET_BASE (SELECTOR_USER_DATA - 8)

typedef uint64_t kernel_function(uint64_t argument);

/* Known to user.S by their places. */
struct processor {
	uint64_t kernel_stack;
	uint64_t user_stack;
};

extern uint64_t boot_pml4[], boot_pdpt[], boot_page_directories[];
extern const char system_call_entry[];
extern uint8_t user_stack_top[];
extern struct processor processor;
extern kernel_function *const kernel_functions[];

/* Runs the program in ring 3 for so many calls. */
uint64_t run_user(uint64_t calls, uint64_t check, uint8_t *stack);

static uint64_t counter, store[64];

static uint64_t add(uint64_t argument)
{
	counter += (argument & 0xff) + 1;
	return mix(argument, counter);
}

static uint64_t get(uint64_t argument)
{
	return mix(argument, store[argument % 64]);
}

static uint64_t put(uint64_t argument)
{
	store[argument % 64] = argument;
	return mix(argument, 7);
}

static uint64_t none(uint64_t argument)
{
	return argument + 1;
}

struct processor processor;
kernel_function *const kernel_functions[] = {add, get, put, none};

static void on_kernel_call(struct trap *trap)
{
	trap->rax = kernel_functions[trap->rax & 3](trap->rdi);
}

static void prepare(void)
{
	boot_pml4[0] |= PAGE_USER;
	boot_pdpt[0] |= PAGE_USER;
	for (unsigned i = 0; i < ENTRIES; i++)
		boot_page_directories[i] |= PAGE_USER;
	write_cr3(read_cr3());
	descriptors_init();
	interrupts_init();
	interrupts_set_gate(VECTOR_KERNEL_CALL, (struct gate_options){.privilege = 3});
	handle(VECTOR_KERNEL_CALL, on_kernel_call);
	write_msr(MSR_EFER, read_msr(MSR_EFER) | EFER_SCE);
	write_msr(MSR_STAR, (uint64_t)SYSRET_BASE << 48 | (uint64_t)SELECTOR_CODE << 32);
	write_msr(MSR_LSTAR, (uint64_t)system_call_entry);
	write_msr(MSR_FMASK, ~0x2u);
	write_msr(MSR_KERNEL_GS_BASE, (uint64_t)&processor);
	counter = 0;
}

static uint64_t run(uint64_t rounds, uint64_t check)
{
	while (rounds--)
		check = run_user(CALLS_A_ROUND, check, user_stack_top);
	return check;
}

const struct load syscalls_load = {"syscalls", prepare, run, 30};
