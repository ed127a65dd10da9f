/* Quicksort of records by a comparison that is called through a pointer, one of three in turn. */
#include "loads.h"

#define RECORDS 4096
#define SMALL 8

struct item {
	uint32_t key;
	uint32_t weight;
};

typedef int comparison(const void *a, const void *b);

static int by_key(const void *a, const void *b)
{
	const struct item *left = a, *right = b;

	return (left->key > right->key) - (left->key < right->key);
}

static int by_weight_downwards(const void *a, const void *b)
{
	const struct item *left = a, *right = b;

	if (left->weight != right->weight)
		return left->weight < right->weight ? 1 : -1;
	return by_key(a, b);
}

static int by_low_bits(const void *a, const void *b)
{
	const struct item *left = a, *right = b;
	int difference = (int)(left->key & 0xffff) - (int)(right->key & 0xffff);

	return difference ? difference : by_key(a, b);
}

static void swap(struct item *a, struct item *b)
{
	struct item kept = *a;

	*a = *b;
	*b = kept;
}

static void insertion_sort(struct item *items, size_t count, comparison *compare)
{
	for (size_t i = 1; i < count; i++) {
		struct item item = items[i];
		size_t at = i;

		for (; at > 0 && compare(&items[at - 1], &item) > 0; at--)
			items[at] = items[at - 1];
		items[at] = item;
	}
}

static void quicksort(struct item *items, size_t count, comparison *compare)
{
	while (count > SMALL) {
		struct item pivot;
		size_t low = 0, high = count - 1;

		if (compare(&items[count / 2], &items[0]) < 0)
			swap(&items[count / 2], &items[0]);
		if (compare(&items[count - 1], &items[0]) < 0)
			swap(&items[count - 1], &items[0]);
		if (compare(&items[count - 1], &items[count / 2]) < 0)
			swap(&items[count - 1], &items[count / 2]);
		pivot = items[count / 2];
		for (;;) {
			while (compare(&items[low], &pivot) < 0)
				low++;
			while (compare(&items[high], &pivot) > 0)
				high--;
			if (low >= high)
				break;
			swap(&items[low++], &items[high--]);
		}
		quicksort(items, low, compare);
		items += low;
		count -= low;
	}
	insertion_sort(items, count, compare);
}

static uint64_t run(uint64_t rounds, uint64_t check)
{
	static comparison *const comparisons[] = {by_key, by_weight_downwards, by_low_bits};
	struct item *items = (struct item *)arena;

	while (rounds--) {
		uint64_t random = check | 1;

		for (unsigned i = 0; i < RECORDS; i++) {
			uint64_t value = next_random(&random);

			items[i] = (struct item){(uint32_t)value, (uint32_t)(value >> 54)};
		}
		quicksort(items, RECORDS, comparisons[rounds % 3]);
		for (unsigned i = 0; i < RECORDS; i += 64)
			check = mix(check, (uint64_t)items[i].key << 32 | items[i].weight);
	}
	return check;
}

const struct load quicksort_load = {"quicksort", NULL, run, 3};
