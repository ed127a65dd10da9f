/* A hash table of text keys with open addressing: inserts, look-ups that hit and that miss, removals. */
#include "loads.h"

#define SLOTS 16384u
#define KEYS 8000u
#define KEY_SIZE 12

enum { FREE, USED, REMOVED };

struct slot {
	uint32_t hash;
	uint32_t value;
	uint8_t state;
	char key[KEY_SIZE];
};

static struct slot *const slots = (struct slot *)arena;

static uint32_t hash_of(const char *key)
{
	uint32_t hash = 0x811c9dc5u;

	for (; *key; key++)
		hash = (hash ^ (uint8_t)*key) * 0x01000193u;
	return hash;
}

static int equal(const char *a, const char *b)
{
	for (; *a && *a == *b; a++, b++)
		;
	return *a == *b;
}

static void write_key(char *key, uint32_t number)
{
	*key++ = 'k';
	do
		*key++ = (char)('a' + number % 26);
	while (number /= 26);
	*key = '\0';
}

/* The key's slot or, if it has none, the free one that ends the search. */
static struct slot *find(const char *key, uint32_t hash)
{
	uint32_t at = hash % SLOTS;

	for (;; at = (at + 1) % SLOTS) {
		struct slot *slot = &slots[at];

		if (slot->state == FREE || (slot->state == USED && slot->hash == hash && equal(slot->key, key)))
			return slot;
	}
}

static void insert(uint32_t number, uint32_t value)
{
	char key[KEY_SIZE];
	uint32_t hash;
	struct slot *slot;

	write_key(key, number);
	hash = hash_of(key);
	slot = find(key, hash);
	if (slot->state != USED) {
		*slot = (struct slot){.hash = hash, .state = USED};
		write_key(slot->key, number);
	}
	slot->value += value;
}

static struct slot *look_up(uint32_t number)
{
	char key[KEY_SIZE];
	struct slot *slot;

	write_key(key, number);
	slot = find(key, hash_of(key));
	return slot->state == USED ? slot : NULL;
}

static uint64_t run(uint64_t rounds, uint64_t check)
{
	while (rounds--) {
		uint32_t first = (uint32_t)(check & 0xfffff);

		for (uint32_t i = 0; i < SLOTS; i++)
			slots[i].state = FREE;
		for (uint32_t i = 0; i < KEYS; i++)
			insert(first + i * 7, i);
		for (uint32_t i = 0; i < KEYS; i++) {
			struct slot *slot = look_up(first + i * 5);

			if (slot) {
				check = mix(check, slot->value);
				slot->state = i % 4 ? USED : REMOVED;
			}
		}
	}
	return check;
}

const struct load hashing_load = {"hashing", NULL, run, 2};
