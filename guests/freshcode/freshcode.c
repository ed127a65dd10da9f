/*
 * Generates code without end: writes one loop after another, each at another
 * place of 16 MiB and each different, runs it until it is hot, and checks what
 * it computes. For a processor that translates code, whose translations must
 * not pile up.
 *
 * Command line: loops=NUMBER, 1000 by default; turns=NUMBER of each, 1000 by
 * default.
 */
#include <stdint.h>

#include "boot-info.h"
#include "power.h"
#include "print.h"
#include "text.h"

#define DEFAULT_LOOPS 1000ull
#define DEFAULT_TURNS 1000ull
#define ARENA_SIZE (16u << 20)
/* No two loops share 128 bytes, and one after the other they go over all of the arena. */
#define STRIDE 256u
#define PLACES (ARENA_SIZE / STRIDE)
#define STEP 40503u

static uint8_t arena[ARENA_SIZE] __attribute__((aligned(4096)));

static uint8_t *put(uint8_t *at, uint8_t byte)
{
	*at = byte;
	return at + 1;
}

static uint8_t *put_number(uint8_t *at, uint32_t number)
{
	for (unsigned int shift = 0; shift < 32; shift += 8)
		at = put(at, (uint8_t)(number >> shift));
	return at;
}

/* uint32_t f(uint32_t turns): turns times, adds a number to the result and turns it left. */
static void write_loop(uint8_t *at, uint32_t addend)
{
	uint8_t *again;

	at = put(put(at, 0x31), 0xc0); /* xor eax, eax */
	again = at;
	at = put_number(put(at, 0x05), addend);		     /* add eax, addend */
	at = put(put(at, 0xd1), 0xc0);			     /* rol eax, 1 */
	at = put(put(at, 0xff), 0xcf);			     /* dec edi */
	at = put(put(at, 0x75), (uint8_t)(again - (at + 2))); /* jnz again */
	put(at, 0xc3);					     /* ret */
}

static uint32_t expected(uint32_t turns, uint32_t addend)
{
	uint32_t result = 0;

	for (; turns > 0; turns--) {
		result += addend;
		result = result << 1 | result >> 31;
	}
	return result;
}

int main(const struct boot_info *info)
{
	uint64_t loops = option_number(info->command_line, "loops", DEFAULT_LOOPS);
	uint32_t turns = (uint32_t)option_number(info->command_line, "turns", DEFAULT_TURNS);
	uint32_t sum = 0;

	for (uint64_t n = 0; n < loops; n++) {
		uint8_t *place = arena + n * STEP % PLACES * STRIDE;
		uint32_t addend = (uint32_t)n * 2654435761u + 1;
		uint32_t result;

		write_loop(place, addend);
		result = ((uint32_t(*)(uint32_t))(uintptr_t)place)(turns);
		if (result != expected(turns, addend)) {
			print("Loop %lu is wrong: 0x%x\n", n, result);
			return STATUS_FAILURE;
		}
		sum ^= result;
	}
	print("Loops: %lu, of %u turns each: 0x%x\n", loops, turns, sum);
	return STATUS_SUCCESS;
}
