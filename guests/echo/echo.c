/*
 * Answers every line with its length and its text. `quit` or Ctrl-D powers the
 * machine off, `exit N` leaves by the debug-exit port with N. Bytes and their
 * answers go by interrupt; while nothing arrives, the processor halts.
 *
 * Typed characters are not echoed one by one. A line ends with CR, LF or both.
 */
#include <stdbool.h>

#include "boot-info.h"
#include "console.h"
#include "power.h"
#include "text.h"

#define MAX_LINE 1024
#define CONTROL_D 0x04
#define BACKSPACE 0x08
#define RUBOUT 0x7f

/* Reads a line without its end, cut at MAX_LINE; false at Ctrl-D. */
static bool read_line(char line[static MAX_LINE + 1], size_t *length)
{
	static bool after_return;

	*length = 0;
	for (;;) {
		uint8_t byte = console_read();
		bool second_half_of_end = byte == '\n' && after_return;

		after_return = byte == '\r';
		if (second_half_of_end)
			continue;
		if (byte == CONTROL_D)
			return false;
		if (byte == '\r' || byte == '\n')
			break;
		if (byte == BACKSPACE || byte == RUBOUT)
			*length -= *length > 0;
		else if (*length < MAX_LINE)
			line[(*length)++] = (char)byte;
	}
	line[*length] = '\0';
	return true;
}

static void answer(const char *line, size_t length)
{
	console_write_number(length);
	console_write(": ");
	console_write(line);
	console_write("\n");
}

static _Noreturn void leave(uint64_t status)
{
	console_write("Leaving with ");
	console_write_number(status);
	console_write(".\n");
	console_flush();
	debug_exit((uint32_t)status);
}

int main(const struct boot_info *info)
{
	static char line[MAX_LINE + 1];
	size_t length;
	uint64_t status;

	(void)info;
	console_init();
	console_write("Type a line; `quit` powers off, `exit N` leaves with N.\n");
	while (read_line(line, &length) && !text_equal(line, "quit")) {
		if (text_starts_with(line, "exit ") && parse_number(line + 5, &status))
			leave(status);
		answer(line, length);
	}
	console_write("Goodbye.\n");
	console_flush();
	return 0;
}
