#include "boot/alike.h"

#include "lib/array.h"
#include "lib/x86.h"

enum reg { EAX, EBX, ECX, EDX };

/* Leaves and bits: SDM Vol. 2A, CPUID. */
static const struct {
	const char *name;
	uint32_t leaf, subleaf;
	enum reg reg;
	uint32_t ignored;
} words[] = {
	{"CPUID.01H:ECX", 0x1, 0, ECX, BIT(27)}, /* OSXSAVE */
	{"CPUID.01H:EDX", 0x1, 0, EDX, BIT(9)},	 /* APIC, by IA32_APIC_BASE */
	{"CPUID.07H:EBX", 0x7, 0, EBX, 0},
	{"CPUID.07H:ECX", 0x7, 0, ECX, BIT(4)},	 /* OSPKE */
	{"CPUID.07H:EDX", 0x7, 0, EDX, BIT(15)}, /* hybrid */
	{"CPUID.07H.1:EAX", 0x7, 1, EAX, 0},
	{"CPUID.0DH:EAX", 0xd, 0, EAX, 0}, /* XCR0 */
	{"CPUID.0DH.1:EAX", 0xd, 1, EAX, 0},
	{"CPUID.0DH.1:ECX", 0xd, 1, ECX, 0}, /* IA32_XSS */
	{"CPUID.80000001H:ECX", 0x80000001, 0, ECX, 0},
	{"CPUID.80000001H:EDX", 0x80000001, 0, EDX, BIT(11)}, /* SYSCALL: in 64-bit mode only */
	{"CPUID.80000007H:EDX", 0x80000007, 0, EDX, 0},	      /* invariant TSC */
};

_Static_assert(ARRAY_SIZE(words) == ALIKE_WORDS, "boot/alike.h says how many there are");

static uint32_t read(uint32_t leaf, uint32_t subleaf, enum reg reg)
{
	uint32_t max = cpuid(leaf & 0x80000000).eax;
	struct cpuid_regs r;

	if (leaf > max)
		return 0;
	r = cpuid_count(leaf, subleaf);
	switch (reg) {
	case EAX:
		return r.eax;
	case EBX:
		return r.ebx;
	case ECX:
		return r.ecx;
	default:
		return r.edx;
	}
}

void alike_read(struct alike *alike)
{
	for (uint32_t i = 0; i < ALIKE_WORDS; i++)
		alike->word[i] =
			read(words[i].leaf, words[i].subleaf, words[i].reg) & ~words[i].ignored;
}

bool alike_missing(const struct alike *first, const struct alike *own, uint32_t *word,
		   uint32_t *bits)
{
	for (*word = 0; *word < ALIKE_WORDS; ++*word) {
		*bits = first->word[*word] & ~own->word[*word];
		if (*bits)
			return true;
	}
	return false;
}

const char *alike_name(uint32_t word)
{
	return words[word].name;
}
