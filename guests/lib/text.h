/* Strings and the command line. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

static inline bool is_digit(char character)
{
	return character >= '0' && character <= '9';
}

size_t text_length(const char *text);
bool text_equal(const char *a, const char *b);
bool text_starts_with(const char *text, const char *prefix);

/* Reads decimal digits up to the end or a space; false if there is anything else or it overflows. */
bool parse_number(const char *text, uint64_t *value);

/* Whether the text up to a space or its end is exactly this. */
bool word_equal(const char *text, const char *word);

/* Whether a word of the command line is exactly this. */
bool option_given(const char *command_line, const char *word);

/* What follows the `=` of the last `key=…` word, up to a space or the end; null without such a word. */
const char *option_text(const char *command_line, const char *key);

/*
 * The number in the last `key=number` word of the command line, or the default.
 * A malformed number ends the guest with a message and a failure.
 */
uint64_t option_number(const char *command_line, const char *key, uint64_t otherwise);
