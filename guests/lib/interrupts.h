/* The interrupt descriptor table, and what a handler sees. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define VECTOR_COUNT 256

/* Pushed by interrupts.S and, from error_code on, by the processor. */
struct trap {
	uint64_t r15, r14, r13, r12, r11, r10, r9, r8;
	uint64_t rdi, rsi, rbp, rbx, rdx, rcx, rax;
	uint64_t vector;
	uint64_t error_code;
	uint64_t rip, cs, rflags, rsp, ss;
};

/* Every guest that loads the table defines it; changes to the frame take effect on return. */
void interrupt_handler(struct trap *trap);

/* Loads a table with a ring-0 interrupt gate for every vector. */
void interrupts_init(void);

/* Shortens the table to so many vectors, or restores it. */
void interrupts_set_count(unsigned count);

/* Changes a gate: the lowest privilege for INT n, the stack (0: none), and whether it is present. */
struct gate_options {
	uint8_t privilege;
	uint8_t stack;
	bool absent;
};
void interrupts_set_gate(uint8_t vector, struct gate_options options);

/* Whether the processor pushes an error code for the vector. */
bool has_error_code(uint64_t vector);
