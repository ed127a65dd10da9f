/* An allocator with a list of free blocks for each size: multiples of 16 bytes up to 1 KiB, then powers of two. */
#include "heap.h"

#include <stdint.h>

#define HEAP_SIZE (16u << 20)
#define STEP 16u
#define STEPS 64u
#define CLASSES (STEPS + 16)

struct block {
	struct block *next;
};

static _Alignas(STEP) uint8_t heap[HEAP_SIZE];
static size_t used;
static struct block *free_blocks[CLASSES];

static unsigned class_of(size_t size)
{
	if (size <= STEP * STEPS)
		return (unsigned)((size + STEP - 1) / STEP);
	return STEPS + 54 - (unsigned)__builtin_clzll(size - 1);
}

static size_t size_of(unsigned class)
{
	return class <= STEPS ? (size_t)class * STEP : (size_t)STEP * STEPS << (class - STEPS);
}

static void *take(size_t size)
{
	unsigned class = class_of(size);
	struct block *block = class < CLASSES ? free_blocks[class] : NULL;

	if (block) {
		free_blocks[class] = block->next;
		return block;
	}
	if (class >= CLASSES || HEAP_SIZE - used < size_of(class))
		return NULL;
	used += size_of(class);
	return heap + used - size_of(class);
}

static void give_back(struct block *block, size_t size)
{
	unsigned class = class_of(size);

	block->next = free_blocks[class];
	free_blocks[class] = block;
}

void *heap_allocate(void *unused, void *block, size_t old_size, size_t new_size)
{
	uint8_t *result;

	(void)unused;
	if (block && new_size && class_of(old_size) == class_of(new_size))
		return block;
	result = new_size ? take(new_size) : NULL;
	if (!block || (new_size && !result))
		return result;
	for (size_t i = 0; i < old_size && i < new_size; i++)
		result[i] = ((const uint8_t *)block)[i];
	if (old_size)
		give_back(block, old_size);
	return result;
}
