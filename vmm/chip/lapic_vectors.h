/*
 * The vectors that a local APIC has been asked for (IRR), and those that its core serves (ISR),
 * with the highest of each at hand: nothing here loops over them. 0 is no vector.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define LAPIC_VECTOR_WORDS 8

struct lapic_vectors {
	uint32_t word[LAPIC_VECTOR_WORDS];
	uint8_t words;	 /* a bit for each word that is not 0 */
	uint8_t highest; /* 0: none */
};

static inline uint32_t lapic_vector_bit(uint8_t vector)
{
	return 1u << vector % 32;
}

static inline void lapic_vectors_add(struct lapic_vectors *vectors, uint8_t vector)
{
	vectors->word[vector / 32] |= lapic_vector_bit(vector);
	vectors->words |= 1u << vector / 32;
	if (vector > vectors->highest)
		vectors->highest = vector;
}

/* The number of the highest bit; some bit is set. */
static inline unsigned int lapic_highest_bit(uint32_t bits)
{
	return 31 ^ (unsigned int)__builtin_clz(bits);
}

/* It is the highest. */
static inline void lapic_vectors_remove(struct lapic_vectors *vectors, uint8_t vector)
{
	unsigned int word = vector / 32;

	vectors->word[word] &= ~lapic_vector_bit(vector);
	if (!vectors->word[word])
		vectors->words &= ~(1u << word);
	if (!vectors->words) {
		vectors->highest = 0;
		return;
	}
	word = lapic_highest_bit(vectors->words);
	vectors->highest = 32 * word + lapic_highest_bit(vectors->word[word]);
}

/*
 * A core interrupts what it serves only for a higher class, bits 7:4: the vectors in service are a
 * stack of 15 at most.
 */
struct lapic_service {
	uint8_t vector[16]; /* the first is 0 */
	uint8_t top;
};

static inline uint8_t lapic_served(const struct lapic_service *service)
{
	return service->vector[service->top];
}

/* Of a class above the one served. */
static inline void lapic_service_push(struct lapic_service *service, uint8_t vector)
{
	service->vector[++service->top] = vector;
}

/* By who has them from a CPU, from the lowest on: one that is more than there can be is lost. */
static inline void lapic_service_push_if_room(struct lapic_service *service, uint8_t vector)
{
	if (service->top < sizeof(service->vector) - 1)
		lapic_service_push(service, vector);
}

/* Something is served. */
static inline void lapic_service_pop(struct lapic_service *service)
{
	service->top--;
}

/* 32 bits of ISR. */
static inline uint32_t lapic_service_word(const struct lapic_service *service, unsigned int word)
{
	uint32_t bits = 0;

	for (unsigned int i = 1; i <= service->top; i++)
		if (service->vector[i] / 32 == word)
			bits |= lapic_vector_bit(service->vector[i]);
	return bits;
}
