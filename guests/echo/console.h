/* A console on the first serial port, interrupt-driven both ways. */
#pragma once

#include <stdint.h>

/* Takes over the serial port; interrupts must be off, and are on afterwards. */
void console_init(void);

/* Sleeps until there is a byte. */
uint8_t console_read(void);

/* Queues; sleeps only while the queue is full. */
void console_write(const char *text);
void console_write_number(uint64_t number);

/* Sleeps until everything queued has been sent. */
void console_flush(void);
