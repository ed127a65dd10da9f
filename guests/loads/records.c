/*
 * The statements that programs of the nineteen-eighties were found to consist
 * of: records assigned and linked, small procedures, comparisons of 30-letter
 * strings, enumerations, a little array arithmetic.
 */
#include "loads.h"

#define LETTERS 31
#define ROWS 50
#define INNER 100

enum kind { PLAIN, LINKED, COUNTED, TEXTUAL };

struct record {
	struct record *next;
	enum kind kind;
	int32_t count;
	int32_t total;
	char name[LETTERS];
};

static struct record first, second;
static int32_t vector[ROWS], table[ROWS][ROWS];
static int32_t global;
static char letter;

static __attribute__((noinline)) int compare_names(const char *a, const char *b)
{
	while (*a && *a == *b) {
		a++;
		b++;
	}
	return *a - *b;
}

static __attribute__((noinline)) void copy_name(char *to, const char *from)
{
	do
		*to++ = *from;
	while (*from++);
}

static __attribute__((noinline)) enum kind next_kind(enum kind kind)
{
	switch (kind) {
	case PLAIN:
		return global > 100 ? LINKED : COUNTED;
	case LINKED:
		return TEXTUAL;
	case COUNTED:
		return LINKED;
	default:
		return PLAIN;
	}
}

static __attribute__((noinline)) int32_t seventh(int32_t a, int32_t b)
{
	return a + b + 2;
}

static __attribute__((noinline)) int same_letter(char a, char b)
{
	letter = a;
	return a == b;
}

static __attribute__((noinline)) void fill_arrays(int32_t index, int32_t value)
{
	int32_t at = index % (ROWS - 32) + 5;

	vector[at] = value;
	vector[at + 1] = vector[at];
	vector[at + 25] = at;
	for (int32_t column = at; column <= at + 1; column++)
		table[at][column] = at;
	table[at][at - 1]++;
	table[at + 20][at] = vector[at];
	global += 5;
}

static __attribute__((noinline)) void link_records(struct record *record, int32_t value)
{
	struct record *next = record->next;

	*next = *record;
	record->count = value;
	next->count = record->count;
	next->next = record->next;
	if (next->kind == PLAIN) {
		next->total = 6;
		next->kind = next_kind(record->kind);
	} else {
		record->kind = next_kind(next->kind);
		next->total = seventh(next->total, global) & 0xffff;
	}
}

static __attribute__((noinline)) int later_name(const char *a, const char *b)
{
	int32_t at = 2;

	while (at <= 2)
		if (same_letter(a[at], b[at + 1]))
			at += 10;
		else
			at++;
	return compare_names(a, b) > 0;
}

static int32_t statements(int32_t index)
{
	char name[LETTERS];
	int32_t a = 2, b = 3, c = index;

	global = index & 0xff;
	copy_name(name, "RECORDS OF A PROGRAM, 2'ND ONE");
	if (!later_name(first.name, name))
		name[index % 8] = 'x';
	while (a < b) {
		c = 5 * a - b;
		c = seventh(c, index & 31);
		a++;
	}
	fill_arrays(index & 0xffff, c);
	link_records(&first, c);
	for (char at = 'A'; at <= 'D'; at++)
		if (same_letter(at, letter))
			c += (int32_t)next_kind(second.kind);
	b = b * a;
	a = b / (c ? c : 1);
	return 7 * (b - c) - a + compare_names(name, second.name);
}

static void prepare(void)
{
	first = (struct record){.next = &second, .kind = LINKED, .count = 40};
	second = (struct record){.next = &first, .kind = PLAIN, .count = 10};
	copy_name(first.name, "RECORDS OF A PROGRAM, 1'ST ONE");
	copy_name(second.name, "RECORDS OF A PROGRAM, 2'ND ONE");
}

static uint64_t run(uint64_t rounds, uint64_t check)
{
	while (rounds--) {
		int32_t sum = 0;

		for (int32_t i = 0; i < INNER; i++)
			sum += statements((int32_t)(check & 0xffffff) + i) & 0xffff;
		check = mix(check, (uint64_t)sum);
	}
	return check;
}

const struct load records_load = {"records", prepare, run, 100};
