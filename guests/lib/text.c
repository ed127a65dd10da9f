/* Strings and the command line. */
#include "text.h"

#include "power.h"
#include "print.h"

size_t text_length(const char *text)
{
	size_t length = 0;

	while (text[length])
		length++;
	return length;
}

bool text_equal(const char *a, const char *b)
{
	for (; *a && *a == *b; a++, b++)
		;
	return *a == *b;
}

bool text_starts_with(const char *text, const char *prefix)
{
	for (; *prefix; text++, prefix++)
		if (*text != *prefix)
			return false;
	return true;
}

bool parse_number(const char *text, uint64_t *value)
{
	uint64_t result = 0;

	if (!is_digit(*text))
		return false;
	for (; is_digit(*text); text++)
		if (__builtin_mul_overflow(result, 10, &result) ||
		    __builtin_add_overflow(result, (uint64_t)(*text - '0'), &result))
			return false;
	*value = result;
	return *text == '\0' || *text == ' ';
}

bool word_equal(const char *text, const char *word)
{
	size_t length = text_length(word);

	return text_starts_with(text, word) && (text[length] == '\0' || text[length] == ' ');
}

static const char *next_word(const char *text)
{
	while (*text && *text != ' ')
		text++;
	while (*text == ' ')
		text++;
	return text;
}

bool option_given(const char *command_line, const char *word)
{
	for (const char *at = command_line; *at; at = next_word(at))
		if (word_equal(at, word))
			return true;
	return false;
}

const char *option_text(const char *command_line, const char *key)
{
	size_t length = text_length(key);
	const char *text = NULL;

	for (const char *at = command_line; *at; at = next_word(at))
		if (text_starts_with(at, key) && at[length] == '=')
			text = at + length + 1;
	return text;
}

uint64_t option_number(const char *command_line, const char *key, uint64_t otherwise)
{
	const char *text = option_text(command_line, key);
	uint64_t value = otherwise;

	if (text && !parse_number(text, &value)) {
		print("%s= takes a number: \"%s\"\n", key, command_line);
		power_off(STATUS_FAILURE);
	}
	return value;
}
