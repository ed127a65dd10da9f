/* The first serial port: a 16550 at 0x3F8, written by polling. */
#pragma once

#define SERIAL_PORT 0x3f8
#define SERIAL_IRQ 4

/* Register offsets from SERIAL_PORT, in the 16550's data sheet's words. */
#define SERIAL_RECEIVER_BUFFER 0
#define SERIAL_TRANSMITTER_HOLDING 0
#define SERIAL_INTERRUPT_ENABLE 1
#define SERIAL_INTERRUPT_IDENTIFICATION 2
#define SERIAL_LINE_CONTROL 3
#define SERIAL_MODEM_CONTROL 4
#define SERIAL_LINE_STATUS 5

#define LINE_STATUS_DATA_READY 0x01
#define LINE_STATUS_TRANSMITTER_EMPTY 0x20

/* 115,200 bits/s, 8N1, all interrupts off. */
void serial_init(void);

/* Waits until the transmitter is free, then sends. */
void serial_put(char character);
