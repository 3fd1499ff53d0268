/* The same in 16 bits: debug_traps_real.S runs each of these in real mode. */
#include "debug_traps.h"
#include "debug_traps_real.h"

extern char debug_blob[], debug_blob_end[], debug_blob_db[];

static const struct {
	const char *name;
	uintptr_t causes;
	bool needs_hypercall;
} steps[] = {
	{"OUT", DR6_B(0), false},
	{"IN, its second port", DR6_B(0), false},
	{"INS", DR6_B(0), false},
	{"REP OUTS", DR6_B(0), false},
	{"CPUID under MOV SS", DR6_B(0), false},
	{"FNOP under MOV SS", DR6_B(0), false},
	{"CPUID stepped over", DR6_BS, false},
	{"HLT under MOV SS", DR6_B(0), true},
};

static void real_mode(void)
{
	static uint8_t saved_vectors[8], saved_area[REAL_BYTES];
	static struct real_seen seen_there[ARRAY_SIZE(steps)];
	uint8_t *area = (uint8_t *)REAL_BASE, *vectors = NULL;
	uint16_t entry[2] = {(uint16_t)(REAL_BASE + (debug_blob_db - debug_blob)), 0};
	uint32_t hypercalls = have_hypercalls();

	/* the interrupt vectors are at address 0, which is no null pointer here */
	asm("" : "+r"(vectors));
	memcpy(saved_vectors, vectors, sizeof(saved_vectors));
	memcpy(saved_area, area, sizeof(saved_area));
	memset(area, 0, REAL_BYTES);
	memcpy(area, debug_blob, (size_t)(debug_blob_end - debug_blob));
	memcpy(area + REAL_HYPER, &hypercalls, sizeof(hypercalls));
	memcpy(vectors + 4 * VECTOR_DB, entry, sizeof(entry));
	traps_begin(1, 0);
	real_mode_trip();
	load_gdt_and_idt();
	traps_end();
	memcpy(seen_there, area + REAL_NOTES, sizeof(seen_there));
	memcpy(area, saved_area, sizeof(saved_area));
	memcpy(vectors, saved_vectors, sizeof(saved_vectors));

	for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
		const struct real_seen *s = &seen_there[i];

		if (steps[i].needs_hypercall && !hypercalls)
			continue;
		expect(s->count == 1 && s->ip == s->wanted &&
			       (s->dr6 & DR6_CAUSE) == steps[i].causes,
		       "%s: %u #DBs, at 0x%x instead of 0x%x, DR6 0x%x", steps[i].name, s->count,
		       s->ip, s->wanted, s->dr6);
	}
}

const struct check real_checks[] = {
	{"real-mode", real_mode, 0},
};
const size_t real_check_count = ARRAY_SIZE(real_checks);
