#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/model/fiber.h"
#include "tests/model/store.h"

/* Numbers 0 .. count-1 in a hash table with free places. */
struct index {
	struct place {
		uint32_t next; /* the number + 1; 0: the place is free */
		uint32_t hash; /* whose: most others are told apart without a look at them */
	} * place;
	uint32_t size, count; /* size: a power of two */
};

/* The distinct bytes of one kind of part. */
struct blobs {
	struct index index;
	struct blob {
		size_t offset;
		uint32_t size;
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

#define LANES 4 /* multiplications at a time */

static uint32_t hash_of(const void *bytes, size_t size)
{
	uint64_t lane[LANES] = {size, 1, 2, 3}, hash = 0x9e3779b97f4a7c15u;
	const uint8_t *at = bytes;

	for (; size >= sizeof(lane); size -= sizeof(lane), at += sizeof(lane)) {
		for (unsigned int k = 0; k < LANES; k++) {
			uint64_t word;

			memcpy(&word, at + k * sizeof(word), sizeof(word));
			lane[k] = (lane[k] ^ word) * 0xff51afd7ed558ccdu;
			lane[k] ^= lane[k] >> 32;
		}
	}
	for (; size >= sizeof(uint32_t); size -= sizeof(uint32_t), at += sizeof(uint32_t)) {
		uint32_t word;

		memcpy(&word, at, sizeof(word));
		hash = (hash ^ word) * 0xff51afd7ed558ccdu;
		hash ^= hash >> 32;
	}
	for (; size; size--, at++)
		hash = (hash ^ *at) * 0xff51afd7ed558ccdu;
	for (unsigned int k = 0; k < LANES; k++) {
		hash = (hash ^ lane[k]) * 0xff51afd7ed558ccdu;
		hash ^= hash >> 32;
	}
	return (uint32_t)(hash ^ hash >> 29);
}

static void place(struct index *index, uint32_t hash, uint32_t number)
{
	uint32_t at = hash & (index->size - 1);

	while (index->place[at].next)
		at = (at + 1) & (index->size - 1);
	index->place[at] = (struct place){number + 1, hash};
}

/* Room for one more. */
static void make_room(struct index *index)
{
	struct place *old = index->place;
	uint32_t size = index->size;

	if (index->count * 2 < size)
		return;
	index->size = size ? 2 * size : 1024;
	index->place = need(calloc(index->size, sizeof(*index->place)));
	for (uint32_t at = 0; at < size; at++)
		if (old[at].next)
			place(index, old[at].hash, old[at].next - 1);
	free(old);
}

static uint32_t blob_number(struct blobs *b, const void *bytes, uint32_t size)
{
	uint32_t hash = hash_of(bytes, size);
	uint32_t number;

	make_room(&b->index);
	for (uint32_t at = hash & (b->index.size - 1); b->index.place[at].next;
	     at = (at + 1) & (b->index.size - 1)) {
		const struct blob *blob;

		if (b->index.place[at].hash != hash)
			continue;
		blob = &b->blob[b->index.place[at].next - 1];
		if (blob->size == size && !memcmp(b->bytes + blob->offset, bytes, size))
			return b->index.place[at].next - 1;
	}
	number = b->index.count++;
	if (!(number & (number - 1)))
		b->blob = need(
			realloc(b->blob, (number ? 2 * (size_t)number : 1) * sizeof(*b->blob)));
	if (b->used + size > b->room) {
		b->room = 2 * b->room + size + 65536;
		b->bytes = need(realloc(b->bytes, b->room));
	}
	b->blob[number] = (struct blob){.offset = b->used, .size = size};
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

void store_prepare(struct candidate *candidate, uint32_t parent, struct action action)
{
	struct state new = {.parent = parent, .action = action};
	bool has = states.count != 0;
	const struct state *before = has ? &state[parent] : &new;
	unsigned int p = 0;

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
	candidate->state = new;
	candidate->hash = hash_of(new.part, sizeof(new.part));
	make_room(&states);
	__builtin_prefetch(&states.place[candidate->hash & (states.size - 1)]);
}

void store_expect(const struct candidate *candidate)
{
	const struct place *place = &states.place[candidate->hash & (states.size - 1)];

	if (place->hash == candidate->hash)
		__builtin_prefetch(&state[place->next - 1]);
}

uint32_t store_add(const struct candidate *candidate)
{
	const struct state *new = &candidate->state;
	uint32_t hash = candidate->hash;

	make_room(&states);
	for (uint32_t at = hash & (states.size - 1); states.place[at].next;
	     at = (at + 1) & (states.size - 1)) {
		uint32_t number = states.place[at].next - 1;

		if (states.place[at].hash == hash &&
		    !memcmp(state[number].part, new->part, sizeof(new->part)))
			return number;
	}
	if (states.count == state_room) {
		state_room = state_room ? state_room + state_room / 2 : 4096;
		state = need(realloc(state, state_room * sizeof(*state)));
	}
	state[states.count] = *new;
	place(&states, hash, states.count);
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
