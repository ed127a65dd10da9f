/* The pair of 8259A interrupt controllers. */
#pragma once

#include <stdint.h>

/* IRQ n arrives at vector PIC_FIRST_VECTOR + n. */
#define PIC_FIRST_VECTOR 32

/* Moves the interrupts behind the exceptions and masks them all. */
void pic_init(void);

void pic_unmask(uint8_t irq);

/* Must end the handling of every interrupt that was taken. */
void pic_end_of_interrupt(uint8_t irq);
