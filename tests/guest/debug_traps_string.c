/* Breakpoints that INS and OUTS meet: a #DB after each element, SDM Vol. 3B 17.2.4 and 17.3.1.2. */
#include "debug_traps.h"

#define PORT	 0x80
#define ELEMENTS 5

static uint8_t memory[64] __attribute__((aligned(64)));

struct string {
	const char *name;
	void (*run)(uint8_t *at, uintptr_t count, bool down, bool step);
	unsigned size;
	bool in, rep;
};

#define STRING(name, instruction)                                                                  \
	static void name(uint8_t *at, uintptr_t count, bool down, bool step)                       \
	{                                                                                          \
		uint8_t *si = at, *di = at;                                                        \
                                                                                                   \
		if (down)                                                                          \
			asm volatile("std");                                                       \
		if (step)                                                                          \
			asm volatile(SET_TF HERE(instruction) OLD_FLAGS "cld"                      \
				     : "+S"(si), "+D"(di), "+c"(count)                             \
				     : "d"(PORT)                                                   \
				     : "memory");                                                  \
		else                                                                               \
			asm volatile(HERE(instruction) "cld"                                       \
				     : "+S"(si), "+D"(di), "+c"(count)                             \
				     : "d"(PORT)                                                   \
				     : "memory");                                                  \
	}

STRING(outs8, "outsb")
STRING(outs16, "outsw")
STRING(outs32, "outsl")
STRING(ins8, "insb")
STRING(ins16, "insw")
STRING(ins32, "insl")
STRING(rep_outs8, "rep outsb")
STRING(rep_outs16, "rep outsw")
STRING(rep_outs32, "rep outsl")
STRING(rep_ins8, "rep insb")
STRING(rep_ins16, "rep insw")
STRING(rep_ins32, "rep insl")
#ifdef __x86_64__
STRING(short_outs, "rep addr32 outsw")
STRING(short_ins, "rep addr32 insw")
#endif

static const struct string strings[] = {
	{"OUTSB", outs8, 1, false, false},
	{"OUTSW", outs16, 2, false, false},
	{"OUTSL", outs32, 4, false, false},
	{"INSB", ins8, 1, true, false},
	{"INSW", ins16, 2, true, false},
	{"INSL", ins32, 4, true, false},
	{"REP OUTSB", rep_outs8, 1, false, true},
	{"REP OUTSW", rep_outs16, 2, false, true},
	{"REP OUTSL", rep_outs32, 4, false, true},
	{"REP INSB", rep_ins8, 1, true, true},
	{"REP INSW", rep_ins16, 2, true, true},
	{"REP INSL", rep_ins32, 4, true, true},
#ifdef __x86_64__
	{"REP OUTSW, 32-bit addresses", short_outs, 2, false, true},
	{"REP INSW, 32-bit addresses", short_ins, 2, true, true},
#endif
};

/* DR0 lies on memory, of this kind and size; DR1 on the port, if it is watched. */
struct watch {
	uint8_t *at;
	uintptr_t kind, bytes;
	bool port;
};

static uintptr_t causes_of(const struct string *string, const struct watch *watch, uint8_t *element)
{
	static const unsigned length[] = {1, 2, 8, 4};
	uintptr_t size = length[watch->bytes], first = (uintptr_t)watch->at & ~(size - 1);
	bool meets = (uintptr_t)element < first + size && (uintptr_t)element + string->size > first;
	bool watched = watch->kind == DR7_READ || (watch->kind == DR7_WRITE && string->in);

	return (meets && watched ? DR6_B(0) : 0) | (watch->port ? DR6_B(1) : 0);
}

static bool expect_trap(const struct string *string, unsigned n, uintptr_t causes, bool last)
{
	uintptr_t ip = last ? trap_next : trap_here;
	bool right = expect(seen.at[n].ip == ip && (seen.at[n].dr6 & DR6_CAUSE) == causes,
			    "%s: #DB %u at 0x%lx instead of 0x%lx, DR6 0x%lx instead of 0x%lx",
			    string->name, n, (unsigned long)seen.at[n].ip, (unsigned long)ip,
			    (unsigned long)seen.at[n].dr6, (unsigned long)causes);

	/* one emulator pushes RF=0 */
	if (have_hypercalls())
		right &= expect(!!(seen.at[n].flags & FLAG_RF) == !last, "%s: #DB %u pushes 0x%lx",
				string->name, n, (unsigned long)seen.at[n].flags);
	return right;
}

static bool try_string(const struct string *string, const struct watch *watch, bool down, bool step)
{
	unsigned elements = string->rep ? ELEMENTS : 1, wanted = 0;
	uint8_t *element = memory + 24;
	bool right = true;

	write_dr0((uintptr_t)watch->at);
	write_dr1(PORT);
	traps_begin(elements, DR7(0, DR7_LOCAL, watch->kind, watch->bytes) |
				      (watch->port ? DR7(1, DR7_GLOBAL, DR7_PORT, DR7_BYTES1) : 0));
	string->run(element, elements, down, step);
	traps_end();
	for (unsigned i = 0; right && i < elements; i++) {
		uintptr_t causes = causes_of(string, watch, element) | (step ? DR6_BS : 0);

		if (causes &&
		    expect(wanted < seen.count, "%s: only %u #DBs", string->name, seen.count))
			right = expect_trap(string, wanted++, causes, i == elements - 1);
		element += down ? -(int)string->size : (int)string->size;
	}
	return expect(wanted == seen.count, "%s: %u #DBs instead of %u", string->name, seen.count,
		      wanted) &&
	       right;
}

/* Every instruction, up and down, stepped and not; the first that is wrong is told. */
static bool try_watch(const struct watch *watch)
{
	for (size_t i = 0; i < ARRAY_SIZE(strings); i++) {
		for (unsigned way = 0; way < 4; way++) {
			if (try_string(&strings[i], watch, way & 1, way & 2))
				continue;
			fail("watched: %d, kind %lu, size %lu, down %u, stepped %u",
			     (int)(watch->at - memory), (unsigned long)watch->kind,
			     (unsigned long)watch->bytes, way & 1, way >> 1);
			return false;
		}
	}
	return true;
}

static void try_memory(uintptr_t kind)
{
	static const uintptr_t bytes[] = {DR7_BYTES1, DR7_BYTES2, DR7_BYTES8, DR7_BYTES4};
	static const uint8_t offsets[] = {23, 26, 31};

	for (size_t i = 0; i < ARRAY_SIZE(bytes); i++)
		for (size_t j = 0; j < ARRAY_SIZE(offsets); j++)
			if (!try_watch(&(struct watch){memory + offsets[j], kind, bytes[i], false}))
				return;
}

static void written(void)
{
	try_memory(DR7_WRITE);
}

static void read_or_written(void)
{
	try_memory(DR7_READ);
}

static void port_and_memory(void)
{
	write_cr4(read_cr4() | CR4_DE);
	try_watch(&(struct watch){memory + 26, DR7_READ, DR7_BYTES2, true});
	/* memory is not met by a breakpoint on a port */
	try_watch(&(struct watch){memory + 24, DR7_PORT, DR7_BYTES4, false});
	write_cr4(read_cr4() & ~CR4_DE);
}

/* No element, no access: one emulator alone looks at the port all the same. */
static void no_element(void)
{
	write_cr4(read_cr4() | CR4_DE);
	write_dr0(PORT);
	write_dr1((uintptr_t)memory);
	for (size_t i = 0; i < ARRAY_SIZE(strings); i++) {
		if (!strings[i].rep)
			continue;
		traps_begin(1, DR7(0, DR7_LOCAL, DR7_PORT, DR7_BYTES1) |
				       DR7(1, DR7_LOCAL, DR7_READ, DR7_BYTES4));
		strings[i].run(memory, 0, false, false);
		traps_end();
		expect_no_trap(strings[i].name);
	}
	write_cr4(read_cr4() & ~CR4_DE);
}

/* An element that faults has not been there: the trap comes when it is done at last. */
static void faulting_element(void)
{
	uint8_t *si = memory;

	write_dr0((uintptr_t)memory);
	traps_begin(1, DR7(0, DR7_LOCAL, DR7_READ, DR7_BYTES1));
#ifdef __x86_64__
	si = (uint8_t *)((uintptr_t)memory | 1ul << 63);
	TRY("outsb", : "+S"(si) : "d"(PORT) : "memory");
#else
	TRY_AFTER("mov %w2, %%fs\n\t", "fs outsb", : "+S"(si) : "d"(PORT), "r"(0) : "memory");
#endif
	traps_end();
	expect(trap.vector == VECTOR_GP, "vector %d", trap.vector);
	expect_no_trap("OUTSB that faults");
	asm volatile("mov %w0, %%fs" : : "r"(SEL_DATA));
}

const struct check string_checks[] = {
	{"string-written", written, 0},
	{"string-read-or-written", read_or_written, 0},
	{"string-port-and-memory", port_and_memory, 0},
	{"string-no-element", no_element, NEEDS_HYPERCALL},
	{"string-faulting-element", faulting_element, 0},
};
const size_t string_check_count = ARRAY_SIZE(string_checks);
