/*
 * Interrupts of three kinds between little pieces of work: those that the local
 * APIC sends to itself, INT n, and the interval timer's at 10 kHz, whose number
 * depends on the machine's clock and so is not in the check value.
 *
 * SDM vol. 3, 11.6.1 "Interrupt Command Register (ICR)"; the 8254's data sheet.
 */
#include "cpu.h"
#include "machine.h"
#include "pic.h"
#include "ports.h"

#define INTERRUPTS 64
#define WORK 24

#define LOCAL_APIC 0xfee00000ull
#define APIC_END_OF_INTERRUPT 0x0b0
#define APIC_SPURIOUS 0x0f0
#define APIC_COMMAND 0x300
#define APIC_LINT0 0x350
#define SPURIOUS_ENABLED 0x1ffu
#define LINT0_EXTERNAL 0x700u
#define COMMAND_TO_SELF (1u << 18)

#define TIMER_COMMAND 0x43
#define TIMER_CHANNEL_0 0x40
#define TIMER_RATE_GENERATOR 0x34
#define TIMER_DIVISOR 119 /* of 1,193,182 Hz */

#define VECTOR_TIMER PIC_FIRST_VECTOR
#define VECTOR_SELF 0x50
#define VECTOR_SOFTWARE 0x51
#define VECTOR_SPURIOUS 0xff

static volatile uint64_t taken, ticks, state;

static void write_apic(uint64_t offset, uint32_t value)
{
	*(volatile uint32_t *)(LOCAL_APIC + offset) = value;
}

static void on_timer(struct trap *trap)
{
	(void)trap;
	ticks++;
	pic_end_of_interrupt(0);
}

static void on_self(struct trap *trap)
{
	(void)trap;
	taken++;
	state = mix(state, 1);
	write_apic(APIC_END_OF_INTERRUPT, 0);
}

static void on_software(struct trap *trap)
{
	state = mix(state, trap->rax);
	trap->rax++;
}

static void on_spurious(struct trap *trap)
{
	(void)trap;
}

static void prepare(void)
{
	interrupts_init();
	handle(VECTOR_TIMER, on_timer);
	handle(VECTOR_SELF, on_self);
	handle(VECTOR_SOFTWARE, on_software);
	handle(VECTOR_SPURIOUS, on_spurious);
	pic_init();
	write_apic(APIC_SPURIOUS, SPURIOUS_ENABLED);
	write_apic(APIC_LINT0, LINT0_EXTERNAL);
	out8(TIMER_COMMAND, TIMER_RATE_GENERATOR);
	out8(TIMER_CHANNEL_0, TIMER_DIVISOR & 0xff);
	out8(TIMER_CHANNEL_0, TIMER_DIVISOR >> 8);
	pic_unmask(0);
}

static uint64_t run(uint64_t rounds, uint64_t check)
{
	state = check;
	interrupts_on();
	while (rounds--) {
		uint64_t random = state | 1, number = state & 0xff;

		for (unsigned i = 0; i < INTERRUPTS; i++) {
			uint64_t before = taken;

			for (unsigned work = 0; work < WORK; work++)
				next_random(&random);
			write_apic(APIC_COMMAND, COMMAND_TO_SELF | VECTOR_SELF);
			while (taken == before)
				;
			__asm__ volatile("int %1" : "+a"(number) : "i"(VECTOR_SOFTWARE) : "memory");
		}
		state = mix(state, random ^ number);
	}
	interrupts_off();
	return state;
}

const struct load interrupts_load = {"interrupts", prepare, run, 150};
