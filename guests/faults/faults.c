/*
 * Takes every exception that software can cause, and compares the vector, error
 * code, CR2 and saved RIP of each with what the manual says (cases.c).
 *
 * Command line: `expected` prints the table as though all had gone as it
 * should, without causing anything. Fails if anything is unexpected.
 */
#include "boot-info.h"
#include "cases.h"
#include "cpu.h"
#include "descriptors.h"
#include "interrupts.h"
#include "paging.h"
#include "pic.h"
#include "power.h"
#include "print.h"
#include "text.h"
#include "vectors.h"

#define CPUID_1_EDX_X87 (1u << 0)
#define CPUID_80000001_EDX_NO_EXECUTE (1u << 20)
#define CPUID_HYPERVISOR 0x40000000u
#define TCG_SIGNATURE_START 0x54474354u /* "TCGT" in EBX */

void run_supervisor(void (*cause)(void));
void run_user(void (*cause)(void));
extern const char recover[];

/* What the handler saw of the case that is running. */
struct observation {
	unsigned count;
	uint64_t vector;
	uint64_t error_code;
	uint64_t rip;
	uint64_t cs;
	uint64_t cr2;
};

struct machine {
	bool x87;
	bool no_execute;
	bool tcg;
};

static const struct fault_case *current;
static volatile struct observation observed;

static const char *mnemonic(uint8_t vector)
{
	static const char names[][4] = {
		"#DE", "#DB", "NMI", "#BP", "#OF", "#BR", "#UD", "#NM", "#DF", "", "#TS", "#NP",
		"#SS", "#GP", "#PF", "",    "#MF", "#AC", "#MC", "#XM", "#VE", "#CP",
	};

	return vector < sizeof names / sizeof *names ? names[vector] : "";
}

static uint64_t expected_rip(const struct fault_case *expected)
{
	return expected->fetched_from ? expected->fetched_from : (uint64_t)expected->at;
}

static void escape(struct trap *trap)
{
	trap->rip = (uint64_t)recover;
	trap->cs = SELECTOR_CODE;
	trap->ss = SELECTOR_DATA;
	trap->rflags = 2;
}

static void go_on(struct trap *trap)
{
	trap->rflags &= ~RFLAGS_TF;
	if (trap->vector != current->vector || observed.count > 1 || current->resume == RESUME_ESCAPE)
		escape(trap);
	else if (current->resume == RESUME_REPAIRED)
		current->repair();
	else
		trap->rip = (uint64_t)current->next;
}

void interrupt_handler(struct trap *trap)
{
	if (trap->vector == VECTOR_USER_RETURN) {
		escape(trap);
		return;
	}
	if (!current) {
		print("Unexpected: vector %lu, error %lx, rip %lx\n", trap->vector, trap->error_code, trap->rip);
		power_off(STATUS_FAILURE);
	}
	if (observed.count++ == 0) {
		observed.vector = trap->vector;
		observed.error_code = trap->error_code;
		observed.rip = trap->rip;
		observed.cs = trap->cs;
		observed.cr2 = read_cr2();
	}
	go_on(trap);
}

static bool came_from_expected_ring(const struct fault_case *expected)
{
	return (observed.cs & 3) == (expected->user ? 3 : 0);
}

static bool as_expected(const struct fault_case *expected)
{
	return observed.count == 1 && observed.vector == expected->vector &&
	       observed.error_code == expected->error_code && came_from_expected_ring(expected) &&
	       (expected->rip_undefined || observed.rip == expected_rip(expected)) &&
	       (expected->vector != VECTOR_PF || observed.cr2 == expected->cr2) &&
	       (!expected->verify || expected->verify());
}

static void print_heading(const struct fault_case *expected)
{
	print("%2u %s  %-42s", expected->vector, mnemonic(expected->vector), expected->name);
}

static void print_expected(const struct fault_case *expected)
{
	print_heading(expected);
	if (has_error_code(expected->vector))
		print("error %04x  ", expected->error_code);
	if (expected->vector == VECTOR_PF)
		print("cr2 %012lx  ", expected->cr2);
	print("%s\n", expected->rip_undefined ? "rip undefined" : "rip as expected");
}

static void print_observed(const char *verdict)
{
	print("%s: ", verdict);
	if (observed.count == 0)
		print("nothing raised\n");
	else
		print("vector %lu, error %04lx, cr2 %012lx, cs %02lx, rip %lx, expected %lx, raised %u times\n",
		      observed.vector, observed.error_code, observed.cr2, observed.cs, observed.rip,
		      expected_rip(current), observed.count);
}

static void provoke(const struct fault_case *expected)
{
	observed.count = 0;
	current = expected;
	if (expected->prepare)
		expected->prepare();
	(expected->user ? run_user : run_supervisor)(expected->cause);
	if (expected->undo)
		expected->undo();
}

static const char *reason_to_skip(const struct fault_case *expected, const struct machine *machine)
{
	if (expected->needs == NEEDS_X87 && !machine->x87)
		return "no x87 in CPUID";
	if (expected->needs == NEEDS_NO_EXECUTE && !machine->no_execute)
		return "no NX in CPUID";
	if (expected->on_tcg == TCG_STOPS && machine->tcg)
		return "TCG would stop";
	return NULL;
}

static struct machine describe_machine(void)
{
	return (struct machine){
		.x87 = cpuid(1).edx & CPUID_1_EDX_X87,
		.no_execute = cpuid(0x80000001).edx & CPUID_80000001_EDX_NO_EXECUTE,
		.tcg = cpuid(CPUID_HYPERVISOR).ebx == TCG_SIGNATURE_START,
	};
}

/* Causes them all, and returns how many were unexpected. */
static unsigned provoke_all(const struct machine *machine, unsigned *taken)
{
	unsigned unexpected = 0;

	for (size_t i = 0; i < fault_case_count; i++) {
		const struct fault_case *expected = &fault_cases[i];
		const char *skipped = reason_to_skip(expected, machine);

		if (skipped) {
			print_heading(expected);
			print("skipped: %s\n", skipped);
			continue;
		}
		provoke(expected);
		*taken += observed.count;
		if (as_expected(expected)) {
			print_expected(expected);
			continue;
		}
		print_heading(expected);
		if (machine->tcg && expected->on_tcg == TCG_DIFFERS) {
			print_observed("TCG differs");
		} else {
			print_observed("UNEXPECTED");
			unexpected++;
		}
	}
	current = NULL;
	return unexpected;
}

static void print_all_expected(unsigned *taken)
{
	for (size_t i = 0; i < fault_case_count; i++)
		print_expected(&fault_cases[i]);
	*taken = (unsigned)fault_case_count;
}

int main(const struct boot_info *info)
{
	struct machine machine = describe_machine();
	unsigned taken = 0, unexpected = 0;

	if (option_given(info->command_line, "expected")) {
		print_all_expected(&taken);
	} else {
		descriptors_init();
		interrupts_init();
		pic_init();
		paging_init(machine.no_execute);
		interrupts_set_gate(VECTOR_USER_RETURN, (struct gate_options){.privilege = 3});
		interrupts_set_gate(VECTOR_DF, (struct gate_options){.stack = FAULT_STACK});
		interrupts_set_gate(VECTOR_LAST_STACK, (struct gate_options){.stack = LAST_STACK});
		interrupts_set_gate(VECTOR_ABSENT, (struct gate_options){.absent = true});
		unexpected = provoke_all(&machine, &taken);
	}
	print("%u exceptions taken, %u unexpected\n", taken, unexpected);
	return unexpected ? STATUS_FAILURE : STATUS_SUCCESS;
}
