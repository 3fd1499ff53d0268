/* Physical addresses where nothing is: reads give ones, writes are lost. */
#include "pc.h"

#define HOLE 0xd0000000u

static uint8_t read8(uintptr_t address)
{
	uint8_t value;

	asm volatile("movb (%1), %0" : "=q"(value) : "r"(address) : "memory");
	return value;
}

static uint16_t read16(uintptr_t address)
{
	uint16_t value;

	asm volatile("movw (%1), %0" : "=r"(value) : "r"(address) : "memory");
	return value;
}

static void reads(void)
{
	uintptr_t extended = 0;

	expect(read8(HOLE + 1) == 0xff, "0x%x", read8(HOLE + 1));
	expect(read16(HOLE + 2) == 0xffff, "0x%x", read16(HOLE + 2));
	expect(read32(HOLE) == 0xffffffff, "0x%x", read32(HOLE));
	expect(read32(HOLE + 0x101) == 0xffffffff, "not aligned: 0x%x", read32(HOLE + 0x101));
	asm volatile("movzbl (%1), %k0" : "=r"(extended) : "r"((uintptr_t)HOLE) : "memory");
	expect(extended == 0xff, "MOVZX: 0x%lx", (unsigned long)extended);
	asm volatile("movswl (%1), %k0" : "=r"(extended) : "r"((uintptr_t)HOLE) : "memory");
	expect((uint32_t)extended == 0xffffffff, "MOVSX: 0x%lx", (unsigned long)extended);
#ifdef __x86_64__
	asm volatile("movq (%1), %0" : "=r"(extended) : "r"((uintptr_t)HOLE) : "memory");
	expect(extended == ~0ull, "0x%lx", extended);
#endif
}

static void writes(void)
{
	write32(HOLE, 0x12345678);
	asm volatile("movb $5, (%0)" : : "r"((uintptr_t)HOLE) : "memory");
	asm volatile("movw $5, (%0)" : : "r"((uintptr_t)HOLE) : "memory");
	asm volatile("andl $0, (%0)" : : "r"((uintptr_t)HOLE) : "memory", "cc");
	expect(read32(HOLE) == 0xffffffff, "0x%x after writes", read32(HOLE));
}

static void arithmetic(void)
{
	uintptr_t flags, value = 1;

	asm volatile("cmpl $-1, (%1); pushf; pop %0"
		     : "=r"(flags)
		     : "r"((uintptr_t)HOLE)
		     : "memory", "cc");
	expect(flags & 0x40, "CMP: flags 0x%lx", (unsigned long)flags);
	asm volatile("testb $1, (%1); pushf; pop %0"
		     : "=r"(flags)
		     : "r"((uintptr_t)HOLE)
		     : "memory", "cc");
	expect(!(flags & 0x40), "TEST: flags 0x%lx", (unsigned long)flags);
	asm volatile("xchgl %k0, (%1)" : "+r"(value) : "r"((uintptr_t)HOLE) : "memory");
	expect((uint32_t)value == 0xffffffff, "XCHG: 0x%lx", (unsigned long)value);
	value = 5;
	asm volatile("addl (%1), %k0" : "+r"(value) : "r"((uintptr_t)HOLE) : "memory", "cc");
	expect((uint32_t)value == 4, "ADD: 0x%lx", (unsigned long)value);
}

static uint32_t ram[64];

static void strings(void)
{
	uintptr_t count = 16, source = HOLE, destination = HOLE;

	asm volatile("cld; rep stosl"
		     : "+c"(count), "+D"(destination)
		     : "a"(0x11111111)
		     : "memory", "cc");
	expect(!count && destination == HOLE + 64, "REP STOS: %lu left, at 0x%lx",
	       (unsigned long)count, (unsigned long)destination);
	memset(ram, 0, sizeof(ram));
	count = 16;
	destination = (uintptr_t)ram;
	asm volatile("cld; rep movsl"
		     : "+c"(count), "+D"(destination), "+S"(source)
		     :
		     : "memory", "cc");
	expect(!count && source == HOLE + 64 && destination == (uintptr_t)(ram + 16),
	       "REP MOVS: %lu left, from 0x%lx", (unsigned long)count, (unsigned long)source);
	for (unsigned i = 0; i < 16; i++)
		expect(ram[i] == 0xffffffff, "%u: 0x%x", i, ram[i]);
	expect(!ram[16], "one too many");
	/* the other way, downwards, and across a page's end */
	count = 8;
	source = (uintptr_t)(ram + 7);
	destination = HOLE + 0x1000 + 8;
	asm volatile("std; rep movsl; cld"
		     : "+c"(count), "+D"(destination), "+S"(source)
		     :
		     : "memory", "cc");
	expect(!count && destination == HOLE + 0x1000 - 24, "downwards: %lu left, at 0x%lx",
	       (unsigned long)count, (unsigned long)destination);
	count = 4;
	source = HOLE;
	destination = 0;
	asm volatile("cld; rep lodsb"
		     : "+c"(count), "+S"(source), "+a"(destination)
		     :
		     : "memory", "cc");
	expect(!count && source == HOLE + 4 && destination == 0xff, "REP LODS: %lu left, 0x%lx",
	       (unsigned long)count, (unsigned long)destination);
}

static void push(void)
{
	uintptr_t value = 0;

	asm volatile("push (%1); pop %0" : "=&r"(value) : "r"((uintptr_t)HOLE) : "memory");
	expect(value == UINTPTR_MAX, "0x%lx", (unsigned long)value);
}

static void across_pages(void)
{
	expect(read32(HOLE + 0xffe) == 0xffffffff, "0x%x", read32(HOLE + 0xffe));
	write32(HOLE + 0xffe, 0);
}

/* Those that nobody emulates. */
static void any_instruction(void)
{
	uintptr_t count = 16, source = HOLE, destination = (uintptr_t)ram, value = 3;
	int64_t loaded = 0;

	memset(ram, 0xff, 10);
	memset((uint8_t *)ram + 10, 0, 10);
	asm volatile("cld; repe cmpsb"
		     : "+c"(count), "+S"(source), "+D"(destination)
		     :
		     : "memory", "cc");
	expect(count == 5 && source == HOLE + 11, "REPE CMPS: %lu left, at 0x%lx",
	       (unsigned long)count, (unsigned long)source);
	count = 8;
	source = HOLE;
	destination = HOLE + 0x1000 - 16;
	asm volatile("cld; repe cmpsl"
		     : "+c"(count), "+S"(source), "+D"(destination)
		     :
		     : "memory", "cc");
	expect(!count && destination == HOLE + 0x1000 + 16, "of two: %lu left, at 0x%lx",
	       (unsigned long)count, (unsigned long)destination);
	asm volatile("imull (%1), %k0" : "+r"(value) : "r"((uintptr_t)HOLE) : "cc");
	expect((uint32_t)value == -3u, "IMUL: 0x%lx", (unsigned long)value);
	asm volatile("shldl $4, %k0, (%1)" : : "r"(value), "r"((uintptr_t)HOLE) : "memory", "cc");
	expect(read32(HOLE) == 0xffffffff, "0x%x after SHLD", read32(HOLE));
	asm volatile("fninit; fildll (%1); fistpll %0"
		     : "=m"(loaded)
		     : "r"((uintptr_t)HOLE + 0xffc)
		     : "memory");
	expect(loaded == -1, "FILD across pages");
	asm volatile("fldz; fistpll (%0)" : : "r"((uintptr_t)HOLE + 0xffc) : "memory");
	expect(read32(HOLE + 0x1000) == 0xffffffff, "0x%x after FISTP", read32(HOLE + 0x1000));
}

/* By what was read; the exit that follows is one that the defect spoils. */
static void faults(void)
{
	if (has_defect(DEFECT_EXCEPTION))
		return;
	TRY("ltr (%0)", : : "r"((uintptr_t)HOLE) : "memory");
	expect(trap.vector == VECTOR_GP && trap.error == 0xfffc, "LTR: vector %d, error 0x%lx",
	       trap.vector, (unsigned long)trap.error);
}

/* Ones are no instruction. */
static void execution(void)
{
	TRY("jmp *%0", : : "r"((uintptr_t)HOLE) : "memory");
	expect(trap.vector == VECTOR_UD && trap.ip == HOLE, "vector %d at 0x%lx", trap.vector,
	       (unsigned long)trap.ip);
}

/* Where no register is, and what begins in a hole before it. */
static void ends_of_the_apic(void)
{
	begin();
	expect(read32(APIC - 2) == 0xffff, "before its start 0x%x", read32(APIC - 2));
	write32(APIC - 2, 0);
	expect(read32(APIC + 0xffc) == 0, "at its end 0x%x", read32(APIC + 0xffc));
	expect(read8(APIC + 0xfff) == 0, "its last byte 0x%x", read8(APIC + 0xfff));
	write32(APIC + 0xffc, 0);
	expect(read8(APIC + APIC_VERSION + 2) == (apic_read(APIC_VERSION) >> 16 & 0xff), "0x%x",
	       read8(APIC + APIC_VERSION + 2));
}

static void execution_of_the_apic(void)
{
	begin();
	TRY("jmp *%0", : : "r"((uintptr_t)APIC) : "memory");
	expect(trap.vector == VECTOR_UD && trap.ip == APIC, "vector %d at 0x%lx", trap.vector,
	       (unsigned long)trap.ip);
}

/* Behind the kernel and before the end of any VM's memory. */
#define FLAG ((volatile uint32_t *)0x3f0000)

bool first_time(void)
{
	volatile uint32_t *flag = FLAG;
	bool first = *flag != 0x600dbeef;

	*flag = 0x600dbeef;
	return first;
}

const struct check pc_hole_checks[] = {
	{"holes-reads", reads, 0},
	{"holes-writes", writes, 0},
	{"holes-arithmetic", arithmetic, 0},
	{"holes-strings", strings, 0},
	{"holes-execution", execution, NEEDS_HYPERCALL},
	{"holes-push", push, 0},
	{"holes-across-pages", across_pages, 0},
	{"holes-any-instruction", any_instruction, 0},
	{"holes-faults", faults, 0},
	{"holes-ends-of-the-apic", ends_of_the_apic, NEEDS_HYPERCALL},
	{"holes-execution-of-the-apic", execution_of_the_apic, NEEDS_HYPERCALL},
};
const size_t pc_hole_check_count = ARRAY_SIZE(pc_hole_checks);
