/* Formatted output; see print.h for what is supported. */
#include "print.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#include "serial.h"
#include "text.h"

#define MAX_DIGITS 20
#define TEN_TO_THE_NINTH 1000000000ull

struct field {
	bool left;
	bool zero;
	bool is_long;
	size_t width;
};

static void put_repeated(char character, size_t count)
{
	while (count--)
		serial_put(character);
}

static void put_padded(const char *text, size_t length, const struct field *field)
{
	size_t padding = field->width > length ? field->width - length : 0;

	if (!field->left)
		put_repeated(field->zero ? '0' : ' ', padding);
	for (size_t i = 0; i < length; i++)
		serial_put(text[i]);
	if (field->left)
		put_repeated(' ', padding);
}

static void put_number(uint64_t value, bool negative, unsigned base, const struct field *field)
{
	char digits[MAX_DIGITS + 1];
	size_t start = sizeof digits;

	do {
		digits[--start] = "0123456789abcdef"[value % base];
		value /= base;
	} while (value);
	if (negative)
		digits[--start] = '-';
	put_padded(digits + start, sizeof digits - start, field);
}

static const char *parse_field(const char *format, struct field *field)
{
	*field = (struct field){0};
	for (; *format == '-' || *format == '0'; format++)
		*(*format == '-' ? &field->left : &field->zero) = true;
	for (; is_digit(*format); format++)
		field->width = field->width * 10 + (size_t)(*format - '0');
	for (; *format == 'l'; format++)
		field->is_long = true;
	return format;
}

void print(const char *format, ...)
{
	va_list arguments;
	struct field field;

	va_start(arguments, format);
	for (; *format; format++) {
		if (*format != '%') {
			serial_put(*format);
			continue;
		}
		format = parse_field(format + 1, &field);
		switch (*format) {
		case 's': {
			const char *text = va_arg(arguments, const char *);

			put_padded(text, text_length(text), &field);
			break;
		}
		case 'c': {
			char character = (char)va_arg(arguments, int);

			put_padded(&character, 1, &field);
			break;
		}
		case 'd': {
			int64_t value = field.is_long ? va_arg(arguments, int64_t) : va_arg(arguments, int);

			put_number(value < 0 ? -(uint64_t)value : (uint64_t)value, value < 0, 10, &field);
			break;
		}
		case 'u':
		case 'x': {
			uint64_t value =
				field.is_long ? va_arg(arguments, uint64_t) : va_arg(arguments, unsigned);

			put_number(value, false, *format == 'u' ? 10 : 16, &field);
			break;
		}
		default:
			serial_put(*format);
		}
	}
	va_end(arguments);
}

/* value / 2^shift, rounded half to even. */
static uint64_t shift_right_rounded(unsigned __int128 value, unsigned shift)
{
	unsigned __int128 quotient, remainder, half;

	if (shift == 0)
		return (uint64_t)value;
	if (shift > 126)
		return 0;
	quotient = value >> shift;
	remainder = value - (quotient << shift);
	half = (unsigned __int128)1 << (shift - 1);
	if (remainder > half || (remainder == half && (quotient & 1)))
		quotient++;
	return (uint64_t)quotient;
}

void print_double_bits(uint64_t bits)
{
	bool negative = bits >> 63;
	unsigned biased_exponent = bits >> 52 & 0x7ff;
	uint64_t mantissa = bits & 0xfffffffffffffull;
	uint64_t whole = 0, decimals = 0;
	int exponent;

	if (biased_exponent)
		mantissa |= 1ull << 52;
	else
		biased_exponent = 1;
	exponent = (int)biased_exponent - 1075;

	if (exponent > 10) {
		print("out of range");
		return;
	}
	if (exponent >= 0) {
		whole = mantissa << exponent;
	} else {
		unsigned shift = (unsigned)-exponent;
		uint64_t fraction = mantissa;

		if (shift < 64) {
			whole = mantissa >> shift;
			fraction = mantissa - (whole << shift);
		}
		/* 53 + 30 bits, so the product is exact. */
		decimals = shift_right_rounded((unsigned __int128)fraction * TEN_TO_THE_NINTH, shift);
		if (decimals == TEN_TO_THE_NINTH) {
			decimals = 0;
			whole++;
		}
	}
	print("%s%lu.%09lu", negative ? "-" : "", whole, decimals);
}
