/*
 * What a hardware task switch goes by: task-state segments and descriptors as they lie in memory,
 * and the checks that are made of them. SDM Vol. 3A chapter 8, 3.4.5. No hardware in it.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* How it came about: bits 31:30 of the exit qualification (SDM Vol. 3C table 27-2). */
enum task_source {
	TASK_CALL,
	TASK_IRET,
	TASK_JMP,
	TASK_GATE, /* in the IDT */
};

/* In the order of the segment fields of a VMCS. */
enum task_segment {
	TASK_ES,
	TASK_CS,
	TASK_SS,
	TASK_DS,
	TASK_FS,
	TASK_GS,
	TASK_LDTR,
	TASK_SEGMENTS,
};

#define SELECTOR_RPL 3u
#define SELECTOR_TI  4u

/* An entry of a descriptor table, if the selector has one. */
struct task_descriptor {
	bool found; /* the selector is not null, and the entry is within the table's limit */
	uint64_t raw;
};

struct task_state {
	uint32_t cr3, eip, eflags;
	uint32_t registers[8]; /* in the order of their numbers: EAX, ECX, EDX, EBX, ESP, ... */
	uint16_t selector[TASK_SEGMENTS];
	bool trap; /* T: #DB when the task begins */
};

/* An exception with a selector as error code; vector 0: none. */
struct task_fault {
	uint8_t vector;
	uint16_t selector;
};

#define TASK_IMAGE_MAX 0x68

/* How many bytes of a TSS are looked at, which its limit must not fall short of. */
static inline uint32_t task_image_size(bool is_32bit)
{
	return is_32bit ? 0x68 : 0x2c;
}

/* The bytes of it that take the outgoing task's state: from EIP to the last selector's field. */
static inline uint32_t task_saved_start(bool is_32bit)
{
	return is_32bit ? 0x20 : 0x0e;
}

static inline uint32_t task_saved_end(bool is_32bit)
{
	return is_32bit ? 0x60 : 0x2a;
}

/* The state in the image of a TSS. A 16-bit one has no CR3, FS, GS and T; they are 0. */
void task_state_read(struct task_state *state, const uint8_t *image, bool is_32bit);

/* The outgoing task's into the image: CR3, the LDT and T stay, and what lies between selectors. */
void task_state_write(const struct task_state *state, uint8_t *image, bool is_32bit);

/* Fields of a descriptor. */
uint32_t descriptor_base(uint64_t raw);
uint32_t descriptor_limit(uint64_t raw);  /* in bytes, less 1 */
uint32_t descriptor_rights(uint64_t raw); /* as VMX has them (SDM Vol. 3C table 24-2) */

/* Of a TSS's descriptor, or of TR's access rights: whether it has 32 bits. */
bool task_is_32bit(uint32_t rights);

/* The incoming task's TSS: table 8-1's checks before anything is changed. */
struct task_fault task_check_tss(uint16_t selector, const struct task_descriptor *tss,
				 enum task_source source);

/*
 * The segments of an incoming task that is not in virtual-8086 mode, in the order of table 8-1. The
 * first fault that there is. Descriptors in an LDT that cannot be used count as not found.
 */
struct task_fault task_check_segments(const struct task_state *state,
				      const struct task_descriptor descriptor[TASK_SEGMENTS]);

/* Whether nothing is wrong with one of them. (A null selector: nothing is, but in CS and SS.) */
bool task_segment_usable(const struct task_state *state,
			 const struct task_descriptor descriptor[TASK_SEGMENTS],
			 enum task_segment segment);
