#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/model/fiber.h"
#include "tests/model/store.h"

/* Numbers 0 .. count-1 in a hash table with free places; 0 there means a free one. */
struct index {
	uint32_t *place;
	uint32_t size, count; /* size: a power of two */
};

/* The distinct bytes of one kind of part. */
struct blobs {
	struct index index;
	struct blob {
		size_t offset;
		uint32_t size;
		uint32_t hash;
	} * blob;
	uint8_t *bytes;
	size_t used, room;
};

enum kind { CPU, CONTEXT, STACK, KINDS };

static struct blobs blobs[KINDS];
static struct index states;
static struct state *state;
static uint32_t state_room;

static void *need(void *memory)
{
	if (!memory) {
		fputs("model: out of memory\n", stderr);
		exit(2);
	}
	return memory;
}

static uint32_t hash_of(const void *bytes, size_t size)
{
	const uint8_t *at = bytes;
	uint64_t hash = 0x9e3779b97f4a7c15u ^ size;

	for (; size >= 8; size -= 8, at += 8) {
		uint64_t word;

		memcpy(&word, at, 8);
		hash = (hash ^ word) * 0xff51afd7ed558ccdu;
		hash ^= hash >> 32;
	}
	for (; size; size--, at++)
		hash = (hash ^ *at) * 0xff51afd7ed558ccdu;
	return (uint32_t)(hash ^ hash >> 29);
}

static void place(struct index *index, uint32_t hash, uint32_t number)
{
	uint32_t at = hash & (index->size - 1);

	while (index->place[at])
		at = (at + 1) & (index->size - 1);
	index->place[at] = number + 1;
}

/* Room for one more; the hash of each number is asked for when the table doubles. */
static void make_room(struct index *index, uint32_t (*hash_at)(const void *, uint32_t),
		      const void *of)
{
	if (index->count * 2 < index->size)
		return;
	index->size = index->size ? 2 * index->size : 1024;
	free(index->place);
	index->place = need(calloc(index->size, sizeof(*index->place)));
	for (uint32_t number = 0; number < index->count; number++)
		place(index, hash_at(of, number), number);
}

static uint32_t blob_hash(const void *of, uint32_t number)
{
	return ((const struct blobs *)of)->blob[number].hash;
}

static uint32_t blob_number(struct blobs *b, const void *bytes, uint32_t size)
{
	uint32_t hash = hash_of(bytes, size);
	uint32_t number;

	make_room(&b->index, blob_hash, b);
	for (uint32_t at = hash & (b->index.size - 1); b->index.place[at];
	     at = (at + 1) & (b->index.size - 1)) {
		const struct blob *blob = &b->blob[b->index.place[at] - 1];

		if (blob->hash == hash && blob->size == size &&
		    !memcmp(b->bytes + blob->offset, bytes, size))
			return b->index.place[at] - 1;
	}
	number = b->index.count++;
	if (!(number & (number - 1)))
		b->blob = need(
			realloc(b->blob, (number ? 2 * (size_t)number : 1) * sizeof(*b->blob)));
	if (b->used + size > b->room) {
		b->room = 2 * b->room + size + 65536;
		b->bytes = need(realloc(b->bytes, b->room));
	}
	b->blob[number] = (struct blob){.offset = b->used, .size = size, .hash = hash};
	if (size)
		memcpy(b->bytes + b->used, bytes, size);
	b->used += size;
	place(&b->index, hash, number);
	return number;
}

static const uint8_t *blob_bytes(const struct blobs *b, uint32_t number, uint32_t *size)
{
	*size = b->blob[number].size;
	return b->bytes + b->blob[number].offset;
}

static uint32_t state_hash(const void *of, uint32_t number)
{
	(void)of;
	return hash_of(state[number].part, sizeof(state[number].part));
}

void store_reset(void)
{
	for (unsigned int kind = 0; kind < KINDS; kind++) {
		free(blobs[kind].index.place);
		free(blobs[kind].blob);
		free(blobs[kind].bytes);
	}
	memset(blobs, 0, sizeof(blobs));
	free(states.place);
	states = (struct index){};
}

/* The part of the state before, if its bytes are still these. */
static uint32_t part_number(enum kind kind, const void *bytes, uint32_t size, uint32_t before,
			    bool has_before)
{
	uint32_t old_size;
	const uint8_t *old;

	if (has_before) {
		old = blob_bytes(&blobs[kind], before, &old_size);
		if (old_size == size && (!size || !memcmp(old, bytes, size)))
			return before;
	}
	return blob_number(&blobs[kind], bytes, size);
}

uint32_t store_add(uint32_t parent, struct action action, bool *is_new)
{
	struct state new = {.parent = parent, .action = action};
	bool has = states.count != 0;
	const struct state *before = has ? &state[parent] : &new;
	unsigned int p = 0;
	uint32_t hash;

	for (unsigned int i = 0; i < configuration->cpus; i++, p++)
		new.part[p] =
			part_number(CPU, &world.cpu[i], sizeof(world.cpu[i]), before->part[p], has);
	for (unsigned int c = 0; c < configuration->contexts; c++, p++)
		new.part[p] = part_number(CONTEXT, &world.context[c], sizeof(world.context[c]),
					  before->part[p], has);
	for (unsigned int i = 0; i < configuration->cpus; i++, p++) {
		const uint8_t *stack = NULL;
		unsigned int size = fiber_bytes(i, &stack);

		new.part[p] = part_number(STACK, stack, size, before->part[p], has);
	}
	make_room(&states, state_hash, NULL);
	hash = hash_of(new.part, sizeof(new.part));
	for (uint32_t at = hash & (states.size - 1); states.place[at];
	     at = (at + 1) & (states.size - 1))
		if (!memcmp(state[states.place[at] - 1].part, new.part, sizeof(new.part))) {
			*is_new = false;
			return states.place[at] - 1;
		}
	if (states.count == state_room) {
		state_room = state_room ? state_room + state_room / 2 : 4096;
		state = need(realloc(state, state_room * sizeof(*state)));
	}
	state[states.count] = new;
	place(&states, hash, states.count);
	*is_new = true;
	return states.count++;
}

void store_load(uint32_t number)
{
	const struct state *from = &state[number];
	unsigned int p = 0;
	uint32_t size;

	for (unsigned int i = 0; i < configuration->cpus; i++, p++)
		memcpy(&world.cpu[i], blob_bytes(&blobs[CPU], from->part[p], &size),
		       sizeof(world.cpu[i]));
	for (unsigned int c = 0; c < configuration->contexts; c++, p++)
		memcpy(&world.context[c], blob_bytes(&blobs[CONTEXT], from->part[p], &size),
		       sizeof(world.context[c]));
	for (unsigned int i = 0; i < configuration->cpus; i++, p++) {
		const uint8_t *bytes = blob_bytes(&blobs[STACK], from->part[p], &size);

		fiber_restore(i, bytes, size);
	}
}

const struct state *store_state(uint32_t number)
{
	return &state[number];
}

uint32_t store_count(void)
{
	return states.count;
}
