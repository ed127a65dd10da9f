/* Formatted output on the serial port. */
#pragma once

#include <stdint.h>

/*
 * A subset of printf: %s %c %d %u %x %%, each with an optional `-`, `0`, width
 * and `l`. Lines end with a bare line feed. Anything else prints as it stands.
 */
void print(const char *format, ...) __attribute__((format(printf, 1, 2)));

/*
 * Prints the double whose bits are given, as printf's %.9f would: exact decimal
 * digits, rounded half to even. The magnitude must be below 2^63; otherwise, as
 * for infinities and NaNs, it prints "out of range". It takes the bits so that
 * this library needs no floating-point registers.
 */
void print_double_bits(uint64_t bits);
