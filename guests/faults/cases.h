/* What a case is: a cause, and what the manual says must come of it. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* How the handler goes on. */
enum resume {
	RESUME_AFTER,    /* behind the faulting instruction, or where a trap returns anyway */
	RESUME_ESCAPE,   /* not at all: back to the runner, since stack, RIP or ring are lost */
	RESUME_REPAIRED, /* at the same instruction, after `repair` has removed the cause */
};

enum needs {
	NEEDS_NOTHING,
	NEEDS_X87,
	NEEDS_NO_EXECUTE,
};

/* QEMU's TCG 7.2 is the peer these are developed on; where it differs from the manual, the manual is right. */
enum on_tcg {
	TCG_AGREES,
	TCG_DIFFERS,
	TCG_STOPS, /* not tried, since TCG stops the machine */
};

struct fault_case {
	const char *name;
	uint8_t vector;
	bool user;
	bool rip_undefined;
	enum resume resume;
	enum needs needs;
	enum on_tcg on_tcg;
	uint32_t error_code;
	uint64_t cr2;
	void (*cause)(void);
	const char *at;
	const char *next;
	uint64_t fetched_from; /* if set, the RIP instead of `at` */
	void (*prepare)(void);
	void (*repair)(void);
	void (*undo)(void);
	bool (*verify)(void); /* after all that: is the state what it should be? */
};

extern const struct fault_case fault_cases[];
extern const size_t fault_case_count;
