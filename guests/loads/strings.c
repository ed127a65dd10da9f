/*
 * What string libraries do: copying, filling, measuring, comparing and
 * searching at many sizes and alignments, by loops over bytes and words and by
 * REP MOVSB, REP STOSB, REP MOVSQ and REPNE SCASB.
 */
#include "loads.h"

#define SIZE 4096u

static char *const source = (char *)arena;
static char *const target = (char *)arena + 2 * SIZE;

typedef uint64_t __attribute__((may_alias)) word;

static inline void rep_movsb(void *to, const void *from, size_t count)
{
	__asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(count) : : "memory");
}

static inline void rep_movsq(void *to, const void *from, size_t count)
{
	__asm__ volatile("rep movsq" : "+D"(to), "+S"(from), "+c"(count) : : "memory");
}

static inline void rep_stosb(void *to, int value, size_t count)
{
	__asm__ volatile("rep stosb" : "+D"(to), "+c"(count) : "a"(value) : "memory");
}

static inline size_t scan_length(const char *text)
{
	size_t count = SIZE_MAX;

	__asm__ volatile("repne scasb" : "+D"(text), "+c"(count) : "a"(0) : "cc", "memory");
	return SIZE_MAX - 1 - count;
}

static __attribute__((noinline)) size_t length(const char *text)
{
	size_t count = 0;

	while (text[count])
		count++;
	return count;
}

/* Eight bytes at a time once aligned; a zero byte shows in the borrow. */
static __attribute__((noinline)) size_t length_by_words(const char *text)
{
	const char *at = text;

	for (; (uintptr_t)at % 8; at++)
		if (!*at)
			return (size_t)(at - text);
	for (;; at += 8) {
		word bytes = *(const word *)at;

		if ((bytes - 0x0101010101010101ull) & ~bytes & 0x8080808080808080ull)
			break;
	}
	while (*at)
		at++;
	return (size_t)(at - text);
}

static __attribute__((noinline)) int compare(const char *a, const char *b, size_t count)
{
	for (; count && *a == *b; count--, a++, b++)
		;
	return count ? *a - *b : 0;
}

static __attribute__((noinline)) const char *find(const char *text, const char *word)
{
	for (; *text; text++) {
		size_t at = 0;

		while (word[at] && text[at] == word[at])
			at++;
		if (!word[at])
			return text;
	}
	return NULL;
}

static __attribute__((noinline)) void copy_upper_case(char *to, const char *from)
{
	do
		*to++ = *from >= 'a' && *from <= 'z' ? (char)(*from - 32) : *from;
	while (*from++);
}

static void prepare(void)
{
	static const char words[] = "a string of words that goes on and on ";

	for (unsigned i = 0; i < SIZE - 1; i++)
		source[i] = words[i % (sizeof words - 1)];
	source[SIZE - 1] = '\0';
}

static uint64_t run(uint64_t rounds, uint64_t check)
{
	while (rounds--) {
		size_t offset = check % 61, size = 16 + (check >> 8) % (SIZE - 128);
		const char *found;

		rep_stosb(target, 'x', SIZE + 64);
		rep_movsb(target + offset, source, size);
		target[offset + size] = '\0';
		check = mix(check, length(target + offset));
		check = mix(check, length_by_words(target + offset));
		check = mix(check, scan_length(target));
		check = mix(check, (uint64_t)compare(source, target + offset, size + 1));
		target[offset + size / 2] = 'Q';
		found = find(target, "Q");
		check = mix(check, found ? (uint64_t)(found - target) : 0);
		found = find(target + 3, "goes on and off");
		check = mix(check, found ? 1 : 2);
		for (size_t small = 1; small < 64; small++)
			rep_movsb(target + small * 64, source + small, small);
		rep_movsq(target + 8 * offset, source, SIZE / 16);
		copy_upper_case(target, source + offset);
		check = mix(check, (uint8_t)target[size] + ((uint64_t)(uint8_t)target[offset] << 8));
	}
	return check;
}

const struct load strings_load = {"strings", prepare, run, 30};
