/*
 * The serial port by IRQ 4: received bytes go into one ring, bytes to send wait
 * in another until the transmitter says that it is empty. With nothing to do
 * the processor halts. A byte that arrives when the ring is full is dropped.
 */
#include "console.h"

#include <stdbool.h>

#include "cpu.h"
#include "interrupts.h"
#include "pic.h"
#include "ports.h"
#include "power.h"
#include "print.h"
#include "ring.h"
#include "serial.h"

#define INTERRUPT_RECEIVED 0x01
#define INTERRUPT_TRANSMITTER_EMPTY 0x02
#define IDENTIFICATION_MASK 0x0f
#define IDENTIFICATION_NONE 0x01
#define DTR_RTS_AND_OUT2 0x0b
#define MAX_DIGITS 20

static struct ring received, to_send;

static void enable_interrupts_of_port(void)
{
	out8(SERIAL_PORT + SERIAL_INTERRUPT_ENABLE,
	     (uint8_t)(INTERRUPT_RECEIVED | (ring_empty(&to_send) ? 0 : INTERRUPT_TRANSMITTER_EMPTY)));
}

static void serve_port(void)
{
	uint8_t status = in8(SERIAL_PORT + SERIAL_LINE_STATUS);

	for (; status & LINE_STATUS_DATA_READY; status = in8(SERIAL_PORT + SERIAL_LINE_STATUS)) {
		uint8_t byte = in8(SERIAL_PORT + SERIAL_RECEIVER_BUFFER);

		if (!ring_full(&received))
			ring_put(&received, byte);
	}
	if (status & LINE_STATUS_TRANSMITTER_EMPTY && !ring_empty(&to_send))
		out8(SERIAL_PORT + SERIAL_TRANSMITTER_HOLDING, ring_take(&to_send));
}

static bool port_wants_service(void)
{
	return (in8(SERIAL_PORT + SERIAL_INTERRUPT_IDENTIFICATION) & IDENTIFICATION_MASK) !=
	       IDENTIFICATION_NONE;
}

void interrupt_handler(struct trap *trap)
{
	if (trap->vector != PIC_FIRST_VECTOR + SERIAL_IRQ) {
		print("Unexpected interrupt %lu at %lx\n", trap->vector, trap->rip);
		power_off(STATUS_FAILURE);
	}
	/* The controller sees edges only, so the port must be quiet at the end. */
	while (port_wants_service())
		serve_port();
	enable_interrupts_of_port();
	pic_end_of_interrupt(SERIAL_IRQ);
}

void console_init(void)
{
	interrupts_init();
	pic_init();
	pic_unmask(SERIAL_IRQ);
	out8(SERIAL_PORT + SERIAL_MODEM_CONTROL, DTR_RTS_AND_OUT2);
	enable_interrupts_of_port();
	interrupts_on();
}

/* Halts until the condition holds, without missing an interrupt in between. */
#define SLEEP_UNTIL(condition)                                                                             \
	do {                                                                                               \
		for (interrupts_off(); !(condition); interrupts_off())                                     \
			interrupts_on_and_halt();                                                          \
		interrupts_on();                                                                           \
	} while (0)

uint8_t console_read(void)
{
	SLEEP_UNTIL(!ring_empty(&received));
	return ring_take(&received);
}

static void queue(char character)
{
	SLEEP_UNTIL(!ring_full(&to_send));
	interrupts_off();
	ring_put(&to_send, (uint8_t)character);
	enable_interrupts_of_port();
	interrupts_on();
}

void console_write(const char *text)
{
	for (; *text; text++)
		queue(*text);
}

void console_write_number(uint64_t number)
{
	char digits[MAX_DIGITS + 1];
	char *at = digits + MAX_DIGITS;

	*at = '\0';
	do {
		*--at = (char)('0' + number % 10);
		number /= 10;
	} while (number);
	console_write(at);
}

void console_flush(void)
{
	SLEEP_UNTIL(ring_empty(&to_send));
	while (!(in8(SERIAL_PORT + SERIAL_LINE_STATUS) & LINE_STATUS_TRANSMITTER_EMPTY))
		;
}
