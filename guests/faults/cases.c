/*
 * The table of cases, in the order of vectors. Expected results are those of
 * the SDM, vol. 3, 6.15 "Exception and Interrupt Reference", and of the
 * instructions' pages in vol. 2.
 *
 * Left out, as nothing raises them on a plain processor: 9 (coprocessor segment
 * overrun), 15 (reserved), 18 (#MC), 20 (#VE) and 21 (#CP).
 */
#include "cases.h"

#include "cpu.h"
#include "descriptors.h"
#include "interrupts.h"
#include "paging.h"
#include "vectors.h"

#define INT_ERROR(vector) ((vector) << 3 | 2)

#define PF_PRESENT 0x01
#define PF_WRITE 0x02
#define PF_USER 0x04
#define PF_RESERVED 0x08
#define PF_FETCH 0x10

extern volatile uint64_t repaired_value;

static void set_task_switched(void)
{
	write_cr0(read_cr0() | CR0_TS);
}

static void clear_task_switched(void)
{
	__asm__ volatile("clts");
}

static void set_emulation(void)
{
	write_cr0(read_cr0() | CR0_EM);
}

static void clear_emulation(void)
{
	write_cr0(read_cr0() & ~CR0_EM);
}

static void set_alignment_mask(void)
{
	write_cr0(read_cr0() | CR0_AM);
}

static void clear_alignment_mask(void)
{
	write_cr0(read_cr0() & ~CR0_AM);
}

static void forbid_sse_exceptions(void)
{
	write_cr4(read_cr4() & ~CR4_OSXMMEXCPT);
}

static void allow_sse_exceptions(void)
{
	write_cr4(read_cr4() | CR4_OSXMMEXCPT);
}

static void reset_mxcsr(void)
{
	static const uint32_t all_masked = 0x1f80;

	__asm__ volatile("ldmxcsr %0" : : "m"(all_masked));
}

static void open_breakpoint_gate(void)
{
	interrupts_set_gate(VECTOR_BP, (struct gate_options){.privilege = 3});
}

static void close_breakpoint_gate(void)
{
	interrupts_set_gate(VECTOR_BP, (struct gate_options){0});
}

static void remove_protection_gate(void)
{
	interrupts_set_gate(VECTOR_GP, (struct gate_options){.absent = true});
}

static void restore_protection_gate(void)
{
	interrupts_set_gate(VECTOR_GP, (struct gate_options){0});
}

static void stack_fault_on_own_stack(void)
{
	interrupts_set_gate(VECTOR_SS, (struct gate_options){.stack = FAULT_STACK});
}

static void stack_fault_on_same_stack(void)
{
	interrupts_set_gate(VECTOR_SS, (struct gate_options){0});
}

static void shorten_tss(void)
{
	descriptors_set_tss_limit(TSS_LIMIT_BEFORE_LAST_STACK);
}

static void restore_tss(void)
{
	descriptors_set_tss_limit(TSS_LIMIT);
}

static void shorten_interrupt_table(void)
{
	interrupts_set_count(VECTOR_BEYOND_LIMIT);
}

static void restore_interrupt_table(void)
{
	interrupts_set_count(VECTOR_COUNT);
}

static bool repaired_value_is_pattern(void)
{
	return repaired_value == PAGE_PATTERN;
}

static bool nothing_written_before_absent(void)
{
	return paging_bytes_before_absent() == 0;
}

#define ESCAPES .resume = RESUME_ESCAPE
#define IN_RING_3 .user = true, .resume = RESUME_ESCAPE
#define NEEDS(what) .needs = NEEDS_##what
#define WITH(before, after) .prepare = (before), .undo = (after)
#define AT_ADDRESS(address) .fetched_from = (address), .resume = RESUME_ESCAPE

/* X(routine in causes.S, exception, error code, name, whatever else struct fault_case has) */
#define CASES(X)                                                                                            \
	X(divide_by_zero, DE, 0, "DIV by zero", )                                                           \
	X(divide_overflow, DE, 0, "DIV, quotient too wide", )                                               \
	X(divide_signed, DE, 0, "IDIV, most negative by -1", )                                              \
	X(single_step, DB, 0, "single step by TF", )                                                        \
	X(icebp, DB, 0, "INT1", .on_tcg = TCG_STOPS)                                                        \
	X(nmi_by_int, NMI, 0, "INT 2", )                                                                    \
	X(int3, BP, 0, "INT3", )                                                                            \
	X(int_3, BP, 0, "INT 3, two bytes", )                                                               \
	X(int3_user, BP, 0, "INT3 in ring 3", .user = true, WITH(open_breakpoint_gate, close_breakpoint_gate)) \
	X(int_4, OF, 0, "INT 4", )                                                                          \
	X(into, OF, 0, "INTO in compatibility mode", )                                                      \
	X(bound, BR, 0, "BOUND in compatibility mode", )                                                    \
	X(ud2, UD, 0, "UD2", )                                                                              \
	X(lock_register, UD, 0, "LOCK ADD to a register", )                                                 \
	X(lock_mov, UD, 0, "LOCK MOV", .on_tcg = TCG_DIFFERS)                                               \
	X(into_64, UD, 0, "INTO in 64-bit mode", )                                                          \
	X(mov_to_cs, UD, 0, "MOV to CS", )                                                                  \
	X(mov_from_cr1, UD, 0, "MOV from CR1", )                                                            \
	X(sse_emulated, UD, 0, "SSE with CR0.EM", WITH(set_emulation, clear_emulation))                     \
	X(sse_exception_unsupported, UD, 0, "SSE exception without CR4.OSXMMEXCPT",                         \
	  WITH(forbid_sse_exceptions, allow_sse_exceptions), .on_tcg = TCG_DIFFERS)                         \
	X(sse_task_switched, NM, 0, "SSE with CR0.TS", WITH(set_task_switched, clear_task_switched))        \
	X(sse_repaired, NM, 0, "SSE with CR0.TS, cleared in the handler", .resume = RESUME_REPAIRED,        \
	  WITH(set_task_switched, clear_task_switched), .repair = clear_task_switched)                      \
	X(x87_task_switched, NM, 0, "x87 with CR0.TS", NEEDS(X87),                                          \
	  WITH(set_task_switched, clear_task_switched))                                                     \
	X(wait_task_switched, NM, 0, "WAIT with CR0.TS and MP", NEEDS(X87),                                 \
	  WITH(set_task_switched, clear_task_switched))                                                     \
	X(x87_emulated, NM, 0, "x87 with CR0.EM", NEEDS(X87), WITH(set_emulation, clear_emulation))         \
	X(double_by_gate, DF, 0, "#GP whose gate is absent", ESCAPES, .rip_undefined = true,                \
	  WITH(remove_protection_gate, restore_protection_gate))                                            \
	X(double_by_stack, DF, 0, "#PF with the stack absent", ESCAPES, .rip_undefined = true)              \
	X(short_tss, TS, SELECTOR_TSS, "IST7 beyond the TSS", WITH(shorten_tss, restore_tss))               \
	X(load_absent, NP, SELECTOR_ABSENT_DATA, "absent segment to DS", )                                  \
	X(far_return_absent, NP, SELECTOR_ABSENT_CODE, "far RET to an absent segment", ESCAPES)             \
	X(ltr_absent, NP, SELECTOR_ABSENT_TSS, "LTR of an absent TSS", )                                    \
	X(absent_gate, NP, INT_ERROR(VECTOR_ABSENT), "INT through an absent gate", .on_tcg = TCG_DIFFERS)   \
	X(load_absent_stack, SS, SELECTOR_ABSENT_DATA, "absent segment to SS", )                            \
	X(iret_absent_stack, SS, SELECTOR_ABSENT_USER_DATA & ~3, "IRET to an absent SS", ESCAPES, .on_tcg = TCG_DIFFERS) \
	X(stack_non_canonical, SS, 0, "non-canonical read by RBP", ESCAPES, .on_tcg = TCG_DIFFERS)          \
	X(push_non_canonical, SS, 0, "PUSH with non-canonical RSP", ESCAPES, .on_tcg = TCG_DIFFERS,         \
	  WITH(stack_fault_on_own_stack, stack_fault_on_same_stack))                                        \
	X(read_non_canonical, GP, 0, "non-canonical read", )                                                \
	X(jump_non_canonical, GP, 0, "JMP to non-canonical", ESCAPES, .on_tcg = TCG_DIFFERS)                \
	X(return_non_canonical, GP, 0, "RET to non-canonical", ESCAPES, .on_tcg = TCG_DIFFERS)              \
	X(rdmsr_unknown, GP, 0, "RDMSR, no such register", .on_tcg = TCG_DIFFERS)                           \
	X(wrmsr_unknown, GP, 0, "WRMSR, no such register", .on_tcg = TCG_DIFFERS)                           \
	X(load_beyond_table, GP, SELECTOR_BEYOND_TABLE, "selector beyond the GDT to DS", )                  \
	X(stack_wrong_privilege, GP, SELECTOR_USER_DATA & ~3, "ring-3 segment to SS in ring 0", )           \
	X(far_return_to_data, GP, SELECTOR_DATA, "far RET to a data segment", ESCAPES)                      \
	X(ltr_busy, GP, SELECTOR_TSS, "LTR of the busy TSS", )                                              \
	X(cr4_reserved, GP, 0, "reserved bit to CR4", .on_tcg = TCG_STOPS)                                  \
	X(cr4_without_pae, GP, 0, "CR4.PAE off in long mode", .on_tcg = TCG_STOPS)                          \
	X(cr0_paging_unprotected, GP, 0, "CR0.PG without PE", .on_tcg = TCG_STOPS)                          \
	X(iret_nested_task, GP, 0, "IRET with NT", ESCAPES)                                                 \
	X(sixteen_bytes, GP, 0, "instruction of 16 bytes", )                                                \
	X(movaps_misaligned, GP, 0, "MOVAPS, misaligned", .on_tcg = TCG_DIFFERS)                            \
	X(ldmxcsr_reserved, GP, 0, "reserved bit to MXCSR", .on_tcg = TCG_DIFFERS, .undo = reset_mxcsr)     \
	X(beyond_idt, GP, INT_ERROR(VECTOR_BEYOND_LIMIT), "INT beyond the IDT", .on_tcg = TCG_DIFFERS,      \
	  WITH(shorten_interrupt_table, restore_interrupt_table))                                           \
	X(user_hlt, GP, 0, "HLT in ring 3", IN_RING_3)                                                      \
	X(user_cli, GP, 0, "CLI in ring 3", IN_RING_3)                                                      \
	X(user_in, GP, 0, "IN in ring 3", IN_RING_3)                                                        \
	X(user_cr0, GP, 0, "MOV from CR0 in ring 3", IN_RING_3)                                             \
	X(user_lgdt, GP, 0, "LGDT in ring 3", IN_RING_3)                                                    \
	X(user_rdmsr, GP, 0, "RDMSR in ring 3", IN_RING_3)                                                  \
	X(user_int_32, GP, INT_ERROR(32), "INT 32 in ring 3", IN_RING_3, .on_tcg = TCG_DIFFERS)             \
	X(user_int_14, GP, INT_ERROR(14), "INT 14 in ring 3", IN_RING_3, .on_tcg = TCG_DIFFERS)             \
	X(user_load_supervisor, GP, SELECTOR_DATA, "ring-0 segment to DS in ring 3", IN_RING_3)             \
	X(read_absent, PF, 0, "read, absent", .cr2 = PAGE_ABSENT)                                           \
	X(write_absent, PF, PF_WRITE, "write, absent", .cr2 = PAGE_ABSENT)                                  \
	X(read_repaired, PF, 0, "read, absent, mapped in the handler", .cr2 = PAGE_ABSENT,                  \
	  .resume = RESUME_REPAIRED, .repair = paging_map_absent, .undo = paging_unmap_absent,              \
	  .verify = repaired_value_is_pattern)                                                              \
	X(write_straddling, PF, PF_WRITE, "write into an absent page", .cr2 = PAGE_ABSENT_AFTER,            \
	  .verify = nothing_written_before_absent)                                                          \
	X(write_read_only, PF, PF_WRITE | PF_PRESENT, "write, read-only, CR0.WP", .cr2 = PAGE_READ_ONLY)    \
	X(read_reserved_bit, PF, PF_RESERVED | PF_PRESENT, "read, reserved bit in the PTE",                 \
	  .cr2 = PAGE_RESERVED_BIT, .on_tcg = TCG_DIFFERS)                                                  \
	X(write_reserved_bit, PF, PF_RESERVED | PF_WRITE | PF_PRESENT, "write, reserved bit in the PDE",    \
	  .cr2 = LARGE_PAGE_RESERVED_BIT, .on_tcg = TCG_DIFFERS)                                            \
	X(fetch_absent, PF, PF_FETCH, "fetch, absent", NEEDS(NO_EXECUTE), .cr2 = PAGE_ABSENT,               \
	  AT_ADDRESS(PAGE_ABSENT))                                                                          \
	X(fetch_straddling, PF, PF_FETCH, "fetch into an absent page", NEEDS(NO_EXECUTE),                   \
	  .cr2 = PAGE_ABSENT_AFTER, AT_ADDRESS(PAGE_ABSENT_AFTER - 1))                                      \
	X(fetch_no_execute, PF, PF_FETCH | PF_PRESENT, "fetch, no-execute", NEEDS(NO_EXECUTE),              \
	  .cr2 = PAGE_NO_EXECUTE, AT_ADDRESS(PAGE_NO_EXECUTE))                                              \
	X(user_read_absent, PF, PF_USER, "ring-3 read, absent", IN_RING_3, .cr2 = PAGE_ABSENT)              \
	X(user_read_supervisor, PF, PF_USER | PF_PRESENT, "ring-3 read, supervisor page", IN_RING_3,        \
	  .cr2 = PAGE_SUPERVISOR)                                                                           \
	X(user_write_supervisor, PF, PF_USER | PF_WRITE | PF_PRESENT, "ring-3 write, supervisor page",      \
	  IN_RING_3, .cr2 = PAGE_SUPERVISOR)                                                                \
	X(user_write_read_only, PF, PF_USER | PF_WRITE | PF_PRESENT, "ring-3 write, read-only", IN_RING_3,  \
	  .cr2 = PAGE_READ_ONLY)                                                                            \
	X(user_fetch_supervisor, PF, PF_USER | PF_FETCH | PF_PRESENT, "ring-3 fetch, supervisor page",      \
	  NEEDS(NO_EXECUTE), .user = true, .cr2 = PAGE_SUPERVISOR, AT_ADDRESS(PAGE_SUPERVISOR))             \
	X(x87_divide, MF, 0, "x87 1 / 0, unmasked, at WAIT", NEEDS(X87))                                    \
	X(user_misaligned, AC, 0, "misaligned read in ring 3", IN_RING_3, .on_tcg = TCG_DIFFERS,            \
	  WITH(set_alignment_mask, clear_alignment_mask))                                                   \
	X(sse_divide, XM, 0, "SSE 1 / 0, unmasked", .on_tcg = TCG_DIFFERS)

#define DECLARE(id, exception, error, text, ...)                                                            \
	void cause_##id(void);                                                                              \
	extern const char at_##id[], next_##id[];
CASES(DECLARE)

#define DEFINE(id, exception, error, text, ...)                                                             \
	{.cause = cause_##id,                                                                               \
	 .at = at_##id,                                                                                     \
	 .next = next_##id,                                                                                 \
	 .vector = VECTOR_##exception,                                                                      \
	 .error_code = (error),                                                                             \
	 .name = (text),                                                                                    \
	 __VA_ARGS__},
const struct fault_case fault_cases[] = {CASES(DEFINE)};
const size_t fault_case_count = sizeof fault_cases / sizeof *fault_cases;
