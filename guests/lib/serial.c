/*
 * The serial port by polling; echo adds interrupts of its own. The FIFOs stay
 * as they are: switching them on would drop what has already been received.
 */
#include "serial.h"

#include "ports.h"

#define DIVISOR_LATCH_ACCESS 0x80
#define EIGHT_BITS_NO_PARITY 0x03
#define DTR_AND_RTS 0x03

void serial_init(void)
{
	out8(SERIAL_PORT + SERIAL_INTERRUPT_ENABLE, 0);
	out8(SERIAL_PORT + SERIAL_LINE_CONTROL, DIVISOR_LATCH_ACCESS);
	out8(SERIAL_PORT + 0, 1);
	out8(SERIAL_PORT + 1, 0);
	out8(SERIAL_PORT + SERIAL_LINE_CONTROL, EIGHT_BITS_NO_PARITY);
	out8(SERIAL_PORT + SERIAL_MODEM_CONTROL, DTR_AND_RTS);
}

void serial_put(char character)
{
	while (!(in8(SERIAL_PORT + SERIAL_LINE_STATUS) & LINE_STATUS_TRANSMITTER_EMPTY))
		;
	out8(SERIAL_PORT + SERIAL_TRANSMITTER_HOLDING, (uint8_t)character);
}
