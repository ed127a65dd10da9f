/* CRC-32 of IEEE 802.3, a table look-up a byte. */
#include "loads.h"

#define BYTES 65536

static uint32_t table[256];

static void prepare(void)
{
	uint64_t random = 0x435243;

	for (uint32_t i = 0; i < 256; i++) {
		uint32_t value = i;

		for (unsigned bit = 0; bit < 8; bit++)
			value = value >> 1 ^ (value & 1 ? 0xedb88320u : 0);
		table[i] = value;
	}
	for (unsigned i = 0; i < BYTES; i++)
		arena[i] = (uint8_t)next_random(&random);
}

static uint64_t run(uint64_t rounds, uint64_t check)
{
	while (rounds--) {
		uint32_t crc = (uint32_t)check;

		for (unsigned i = 0; i < BYTES; i++)
			crc = crc >> 8 ^ table[(crc ^ arena[i]) & 0xff];
		check = mix(check, crc);
	}
	return check;
}

const struct load crc32_load = {"crc32", prepare, run, 5};
