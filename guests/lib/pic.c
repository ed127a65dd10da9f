/* The 8259A's data sheet: ICW1 to ICW4 in sequence, then OCW1 masks and OCW2 ends. */
#include "pic.h"

#include "ports.h"

#define MASTER_COMMAND 0x20
#define MASTER_DATA 0x21
#define SLAVE_COMMAND 0xa0
#define SLAVE_DATA 0xa1

#define ICW1_WITH_ICW4 0x11
#define ICW3_SLAVE_AT_IRQ2 0x04
#define ICW3_SLAVE_IDENTITY 0x02
#define ICW4_8086 0x01
#define OCW2_END_OF_INTERRUPT 0x20
#define CASCADE_IRQ 2

void pic_init(void)
{
	out8(MASTER_COMMAND, ICW1_WITH_ICW4);
	out8(SLAVE_COMMAND, ICW1_WITH_ICW4);
	out8(MASTER_DATA, PIC_FIRST_VECTOR);
	out8(SLAVE_DATA, PIC_FIRST_VECTOR + 8);
	out8(MASTER_DATA, ICW3_SLAVE_AT_IRQ2);
	out8(SLAVE_DATA, ICW3_SLAVE_IDENTITY);
	out8(MASTER_DATA, ICW4_8086);
	out8(SLAVE_DATA, ICW4_8086);
	out8(MASTER_DATA, 0xff);
	out8(SLAVE_DATA, 0xff);
}

void pic_unmask(uint8_t irq)
{
	if (irq < 8) {
		out8(MASTER_DATA, (uint8_t)(in8(MASTER_DATA) & ~(1 << irq)));
	} else {
		out8(SLAVE_DATA, (uint8_t)(in8(SLAVE_DATA) & ~(1 << (irq - 8))));
		pic_unmask(CASCADE_IRQ);
	}
}

void pic_end_of_interrupt(uint8_t irq)
{
	if (irq >= 8)
		out8(SLAVE_COMMAND, OCW2_END_OF_INTERRUPT);
	out8(MASTER_COMMAND, OCW2_END_OF_INTERRUPT);
}
