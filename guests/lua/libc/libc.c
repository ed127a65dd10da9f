/*
 * As much of the C library as Lua's core asks for and program.lua makes use of.
 * What the program does without ends the guest: powers, float remainders,
 * and floats as texts.
 */
#include <locale.h>
#include <math.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "power.h"
#include "print.h"

_Noreturn void __stack_chk_fail(void);
int __snprintf_chk(char *to, size_t size, int flag, size_t known_size, const char *format, ...);

#define MOST_DIGITS 20

static _Noreturn void end(const char *what)
{
	print("Not in this C library: %s\n", what);
	power_off(STATUS_FAILURE);
}

void abort(void)
{
	end("abort");
}

void __stack_chk_fail(void)
{
	end("a broken stack");
}

size_t strlen(const char *text)
{
	size_t length = 0;

	while (text[length])
		length++;
	return length;
}

char *strchr(const char *text, int character)
{
	for (; *text != (char)character; text++)
		if (!*text)
			return NULL;
	return (char *)(uintptr_t)text;
}

int strcmp(const char *a, const char *b)
{
	for (; *a && *a == *b; a++, b++)
		;
	return (unsigned char)*a - (unsigned char)*b;
}

int strcoll(const char *a, const char *b)
{
	return strcmp(a, b);
}

size_t strspn(const char *text, const char *accepted)
{
	size_t length = 0;

	while (text[length] && strchr(accepted, text[length]))
		length++;
	return length;
}

char *strpbrk(const char *text, const char *wanted)
{
	for (; *text; text++)
		if (strchr(wanted, *text))
			return (char *)(uintptr_t)text;
	return NULL;
}

/* The same each time, so that Lua's hash is. */
time_t time(time_t *result)
{
	if (result)
		*result = 0;
	return 0;
}

struct lconv *localeconv(void)
{
	static char point[] = ".";
	static struct lconv convention = {.decimal_point = point};

	return &convention;
}

/* Digits with a point among them, exact while the number without its point and the power of ten both are. */
double strtod(const char *text, char **rest)
{
	double number = 0, power = 1;
	int after_point = 0;

	for (; *text == '.' || (*text >= '0' && *text <= '9'); text++) {
		if (*text == '.') {
			after_point = 1;
			continue;
		}
		number = number * 10 + (*text - '0');
		if (after_point)
			power *= 10;
	}
	*rest = (char *)(uintptr_t)text;
	return number / power;
}

int __snprintf_chk(char *to, size_t size, int flag, size_t known_size, const char *format, ...)
{
	va_list arguments;
	char digits[MOST_DIGITS];
	size_t at = sizeof digits;
	long long value;
	unsigned long long magnitude;
	int length = 0;

	(void)flag;
	(void)known_size;
	if (strcmp(format, "%lld") != 0 || size <= sizeof digits)
		end(format);
	va_start(arguments, format);
	value = va_arg(arguments, long long);
	va_end(arguments);
	magnitude = value < 0 ? -(unsigned long long)value : (unsigned long long)value;
	do
		digits[--at] = (char)('0' + magnitude % 10);
	while (magnitude /= 10);
	if (value < 0)
		to[length++] = '-';
	while (at < sizeof digits)
		to[length++] = digits[at++];
	to[length] = '\0';
	return length;
}

double pow(double base, double exponent)
{
	(void)base;
	(void)exponent;
	end("pow");
}

/* Of normal numbers; of others it gives the number back. */
double frexp(double value, int *exponent)
{
	union {
		double value;
		uint64_t bits;
	} number = {.value = value};
	int biased = (int)(number.bits >> 52 & 0x7ff);

	*exponent = 0;
	if (biased == 0 || biased == 0x7ff)
		return value;
	*exponent = biased - 1022;
	number.bits = (number.bits & ~(0x7ffull << 52)) | 1022ull << 52;
	return number.value;
}

double fmod(double value, double divisor)
{
	(void)value;
	(void)divisor;
	end("fmod");
}
