/*
 * The mixture that embedded cores are rated by: a linked list that is searched,
 * reversed and sorted, a matrix of 16-bit numbers, a state machine that scans
 * numbers, and CRC-16 over all results.
 */
#include "loads.h"

#define ELEMENTS 96
#define SIZE 12
#define TEXT_SIZE 160

struct element {
	struct element *next;
	int16_t key;
	int16_t value;
};

static struct element elements[ELEMENTS];
static struct element *list;
static int16_t left[SIZE][SIZE], right[SIZE][SIZE];
static int32_t product[SIZE][SIZE];
static char text[TEXT_SIZE];

enum state { START, SIGN, INTEGER, POINT, FRACTION, EXPONENT, EXPONENT_SIGN, POWER, INVALID, STATES };

static uint16_t crc16(uint16_t value, uint16_t crc)
{
	for (unsigned bit = 0; bit < 16; bit++) {
		unsigned carry = (crc ^ value) & 1;

		crc = (uint16_t)(crc >> 1 ^ (carry ? 0xa001u : 0));
		value = (uint16_t)(value >> 1);
	}
	return crc;
}

static struct element *find(struct element *at, int16_t key)
{
	while (at && at->key != key)
		at = at->next;
	return at;
}

static struct element *reversed(struct element *at)
{
	struct element *result = NULL;

	while (at) {
		struct element *next = at->next;

		at->next = result;
		result = at;
		at = next;
	}
	return result;
}

static int by_key(const struct element *a, const struct element *b)
{
	return a->key - b->key;
}

static int by_value(const struct element *a, const struct element *b)
{
	return a->value - b->value ? a->value - b->value : a->key - b->key;
}

static struct element *merged(struct element *a, struct element *b,
			      int (*compare)(const struct element *, const struct element *))
{
	struct element *result = NULL, **end = &result;

	while (a && b) {
		struct element **least = compare(a, b) <= 0 ? &a : &b;

		*end = *least;
		end = &(*least)->next;
		*least = (*least)->next;
	}
	*end = a ? a : b;
	return result;
}

static struct element *sorted(struct element *at, size_t count,
			      int (*compare)(const struct element *, const struct element *))
{
	struct element *half = at;

	if (count < 2) {
		if (at)
			at->next = NULL;
		return at;
	}
	for (size_t i = 0; i < count / 2; i++)
		half = half->next;
	half = sorted(half, count - count / 2, compare);
	return merged(sorted(at, count / 2, compare), half, compare);
}

static uint16_t list_work(uint16_t crc)
{
	for (int16_t key = 0; key < ELEMENTS; key = (int16_t)(key + 7)) {
		struct element *found = find(list, key);

		if (found)
			crc = crc16((uint16_t)found->value, crc);
		list = reversed(list);
	}
	list = sorted(list, ELEMENTS, by_value);
	crc = crc16((uint16_t)list->key, crc);
	list = sorted(list, ELEMENTS, by_key);
	list->value = (int16_t)(list->value + crc);
	return crc16((uint16_t)list->value, crc);
}

static uint16_t matrix_work(uint16_t crc)
{
	int32_t sum = 0;

	for (unsigned row = 0; row < SIZE; row++)
		for (unsigned column = 0; column < SIZE; column++)
			left[row][column] = (int16_t)(left[row][column] + (int16_t)(crc & 7) - 3);
	for (unsigned row = 0; row < SIZE; row++)
		for (unsigned column = 0; column < SIZE; column++) {
			int32_t cell = 0;

			for (unsigned i = 0; i < SIZE; i++)
				cell += left[row][i] * right[i][column];
			product[row][column] = cell;
		}
	for (unsigned row = 0; row < SIZE; row++)
		for (unsigned column = 0; column < SIZE; column++)
			sum += (product[row][column] >> 2 & 15) * (product[row][column] >> 5 & 127);
	return crc16((uint16_t)sum, crc16((uint16_t)(sum >> 16), crc));
}

static enum state next_state(enum state state, char symbol)
{
	int digit = symbol >= '0' && symbol <= '9';

	switch (state) {
	case START:
		return digit ? INTEGER : symbol == '+' || symbol == '-' ? SIGN : symbol == '.' ? POINT : INVALID;
	case SIGN:
		return digit ? INTEGER : symbol == '.' ? POINT : INVALID;
	case INTEGER:
		return digit ? INTEGER : symbol == '.' ? FRACTION : symbol == 'e' ? EXPONENT : INVALID;
	case POINT:
		return digit ? FRACTION : INVALID;
	case FRACTION:
		return digit ? FRACTION : symbol == 'e' ? EXPONENT : INVALID;
	case EXPONENT:
		return digit ? POWER : symbol == '+' || symbol == '-' ? EXPONENT_SIGN : INVALID;
	case EXPONENT_SIGN:
	case POWER:
		return digit ? POWER : INVALID;
	default:
		return INVALID;
	}
}

static uint16_t state_work(uint16_t crc)
{
	uint16_t ends[STATES] = {0};
	enum state state = START;

	text[crc % TEXT_SIZE] = "0123456789+-.e,,"[crc >> 12];
	for (unsigned i = 0; i < TEXT_SIZE; i++) {
		if (text[i] == ',') {
			ends[state]++;
			state = START;
		} else {
			state = next_state(state, text[i]);
		}
	}
	for (unsigned i = 0; i < STATES; i++)
		crc = crc16(ends[i], crc);
	return crc;
}

static void prepare(void)
{
	static const char pattern[] = "5012,-37.25e+2,.5,1e9,+122,7.5x,-.1e-3,";
	uint64_t random = 0x434f5245;

	for (unsigned i = 0; i < ELEMENTS; i++) {
		elements[i] = (struct element){i + 1 < ELEMENTS ? &elements[i + 1] : NULL, (int16_t)i,
					       (int16_t)(next_random(&random) & 0x7ff)};
	}
	list = elements;
	for (unsigned row = 0; row < SIZE; row++)
		for (unsigned column = 0; column < SIZE; column++) {
			left[row][column] = (int16_t)(next_random(&random) & 255);
			right[row][column] = (int16_t)(next_random(&random) & 255);
		}
	for (unsigned i = 0; i < TEXT_SIZE; i++)
		text[i] = pattern[i % (sizeof pattern - 1)];
}

static uint64_t run(uint64_t rounds, uint64_t check)
{
	while (rounds--) {
		uint16_t crc = list_work((uint16_t)check);

		crc = matrix_work(crc);
		crc = state_work(crc);
		check = mix(check, crc);
	}
	return check;
}

const struct load core_load = {"core", prepare, run, 60};
