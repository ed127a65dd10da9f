/* A ring of bytes between an interrupt handler and the main loop: one fills it, the other empties it. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define RING_SIZE 4096u

/* Both counts run freely; their difference is what the ring holds. */
struct ring {
	volatile uint32_t written;
	volatile uint32_t read;
	volatile uint8_t bytes[RING_SIZE];
};

static inline bool ring_empty(const struct ring *ring)
{
	return ring->written == ring->read;
}

static inline bool ring_full(const struct ring *ring)
{
	return ring->written - ring->read == RING_SIZE;
}

static inline void ring_put(struct ring *ring, uint8_t byte)
{
	ring->bytes[ring->written % RING_SIZE] = byte;
	ring->written++;
}

static inline uint8_t ring_take(struct ring *ring)
{
	uint8_t byte = ring->bytes[ring->read % RING_SIZE];

	ring->read++;
	return byte;
}
