/* The four functions that gcc may call behind the source's back. */
#include <stddef.h>
#include <stdint.h>

void *memset(void *target, int value, size_t count);
void *memcpy(void *restrict target, const void *restrict source, size_t count);
void *memmove(void *target, const void *source, size_t count);
int memcmp(const void *a, const void *b, size_t count);

void *memset(void *target, int value, size_t count)
{
	void *at = target;

	__asm__ volatile("rep stosb" : "+D"(at), "+c"(count) : "a"(value) : "memory");
	return target;
}

void *memcpy(void *restrict target, const void *restrict source, size_t count)
{
	void *at = target;

	__asm__ volatile("rep movsb" : "+D"(at), "+S"(source), "+c"(count) : : "memory");
	return target;
}

void *memmove(void *target, const void *source, size_t count)
{
	char *to = target;
	const char *from = source;

	if ((uintptr_t)to - (uintptr_t)from >= count)
		return memcpy(target, source, count);
	to += count - 1;
	from += count - 1;
	__asm__ volatile("std; rep movsb; cld" : "+D"(to), "+S"(from), "+c"(count) : : "memory");
	return target;
}

int memcmp(const void *a, const void *b, size_t count)
{
	const unsigned char *left = a, *right = b;

	for (size_t i = 0; i < count; i++)
		if (left[i] != right[i])
			return left[i] - right[i];
	return 0;
}
