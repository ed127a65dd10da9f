/*
 * A stack machine's interpreter that jumps from handler to handler by a table
 * of labels (GNU C's computed goto), running Collatz sequences and a little
 * array arithmetic.
 */
#include "loads.h"

#define SLOTS 8
#define CELLS 64
#define SEEDS 40

enum operation {
	PUSH, LOAD, STORE, ADD, SUBTRACT, MULTIPLY, AND, SHIFT_RIGHT, FETCH, PUT, JUMP, JUMP_IF_ZERO, JUMP_IF_LESS, END
};

/* Slots: 0 the seed, 1 the number, 2 the steps, 3 the sum. */
static const int8_t program[] = {
	/* 0: the number begins as the seed */
	LOAD, 0, STORE, 1, PUSH, 0, STORE, 2,
	/* 8: until it is below 2 */
	LOAD, 1, PUSH, 2, JUMP_IF_LESS, 48,
	/* 14: odd numbers go to 30 */
	LOAD, 1, PUSH, 1, AND, JUMP_IF_ZERO, 31,
	/* 21: 3n + 1 */
	LOAD, 1, PUSH, 3, MULTIPLY, PUSH, 1, ADD, JUMP, 36,
	/* 31: n / 2 */
	LOAD, 1, PUSH, 1, SHIFT_RIGHT,
	/* 36: one step more */
	STORE, 1, LOAD, 2, PUSH, 1, ADD, STORE, 2, JUMP, 8, END,
	/* 48: the cell of the steps is raised, and the sum by it */
	LOAD, 2, PUSH, 63, AND, FETCH, PUSH, 1, ADD, LOAD, 2, PUSH, 63, AND, PUT,
	LOAD, 3, LOAD, 2, PUSH, 63, AND, FETCH, ADD, LOAD, 2, ADD, STORE, 3, END,
};

static int64_t cells[CELLS];

static __attribute__((noinline)) int64_t interpret(const int8_t *code, int64_t seed, int64_t sum)
{
	static const void *const handlers[] = {
		&&push, &&load, &&store, &&add, &&subtract, &&multiply, &&and,
		&&shift_right, &&fetch, &&put, &&jump, &&jump_if_zero, &&jump_if_less, &&end,
	};
	int64_t slots[SLOTS] = {[0] = seed, [3] = sum};
	int64_t stack[16], *top = stack;
	const int8_t *at = code;

#define NEXT goto *handlers[*at++]
	NEXT;
push:
	*top++ = *at++;
	NEXT;
load:
	*top++ = slots[*at++];
	NEXT;
store:
	slots[*at++] = *--top;
	NEXT;
add:
	top--;
	top[-1] += top[0];
	NEXT;
subtract:
	top--;
	top[-1] -= top[0];
	NEXT;
multiply:
	top--;
	top[-1] *= top[0];
	NEXT;
and:
	top--;
	top[-1] &= top[0];
	NEXT;
shift_right:
	top--;
	top[-1] >>= top[0];
	NEXT;
fetch:
	top[-1] = cells[top[-1]];
	NEXT;
put:
	top -= 2;
	cells[top[1]] = top[0];
	NEXT;
jump:
	at = code + *at;
	NEXT;
jump_if_zero:
	at = *--top ? at + 1 : code + *at;
	NEXT;
jump_if_less:
	top -= 2;
	at = top[0] < top[1] ? code + *at : at + 1;
	NEXT;
end:
	return slots[3];
#undef NEXT
}

static uint64_t run(uint64_t rounds, uint64_t check)
{
	while (rounds--) {
		int64_t sum = 0, first = (int64_t)(check & 0xffff) + 1;

		for (int64_t seed = first; seed < first + SEEDS; seed++)
			sum = interpret(program, seed, sum);
		check = mix(check, (uint64_t)sum);
	}
	return check;
}

const struct load bytecode_load = {"bytecode", NULL, run, 10};
