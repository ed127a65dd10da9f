/*
 * What a guest's load needs to run as a Linux program: the C library's output
 * in the place of the serial port, line by line, and argv[1] in the place of
 * the command line. The guest's own main is compiled as guest_main.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "boot-info.h"
#include "power.h"
#include "print.h"

#undef main

void print(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vprintf(format, arguments);
	va_end(arguments);
}

void print_double_bits(uint64_t bits)
{
	union {
		uint64_t bits;
		double value;
	} number = {.bits = bits};

	printf("%.9f", number.value);
}

_Noreturn void power_off(uint32_t status)
{
	exit((int)status);
}

int main(int argc, char **argv)
{
	struct boot_info info = {.loader = "", .command_line = argc > 1 ? argv[1] : ""};

	setvbuf(stdout, NULL, _IOLBF, BUFSIZ);
	return guest_main(&info);
}
