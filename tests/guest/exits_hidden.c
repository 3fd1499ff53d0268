/*
 * Instructions whose feature CPUID does not show: #UD, as on a CPU that does not have them,
 * whatever VM exit this one takes for them. As bytes, which an old assembler need not know. What
 * VMX has no means to refuse is not here: docs/guests.md lists it.
 */
#include "exits.h"

#define UNDEFINED(name, bytes)                                                                     \
	do {                                                                                       \
		TRY(".byte " bytes,                                                                \
		    :                                                                              \
		    : "a"(0), "c"(UNKNOWN_MSR), "d"(0), "S"(line), "D"(line), "b"(line)            \
		    : "memory");                                                                   \
		expect_fault(name, VECTOR_UD);                                                     \
	} while (0)

#define UNKNOWN_MSR 0x40000fff

static uint64_t line[64] __attribute__((aligned(4096)));

/* CPUID.7:ECX.5 */
static void waitpkg(void)
{
	expect(!(cpuid(7, 0).ecx & 1u << 5), "WAITPKG is offered");
	UNDEFINED("TPAUSE", "0x66, 0x0f, 0xae, 0xf1");
	UNDEFINED("UMWAIT", "0xf2, 0x0f, 0xae, 0xf1");
	UNDEFINED("UMONITOR", "0xf3, 0x0f, 0xae, 0xf0");
}

USER_CODE(user_tpause,
	  "xorl %eax, %eax; xorl %edx, %edx; xorl %ecx, %ecx; .byte 0x66, 0x0f, 0xae, 0xf1")
USER_CODE(user_umwait,
	  "xorl %eax, %eax; xorl %edx, %edx; xorl %ecx, %ecx; .byte 0xf2, 0x0f, 0xae, 0xf1")

static void waitpkg_in_user_mode(void)
{
	user_call(user_tpause, 0);
	expect(trap.vector == VECTOR_UD, "TPAUSE at CPL 3 raises %d", trap.vector);
	user_call(user_umwait, 0);
	expect(trap.vector == VECTOR_UD, "UMWAIT at CPL 3 raises %d", trap.vector);
}

/* CPUID.7.1 is all zero: WRMSRNS, MSR_IMM, MSRLIST, USER_MSR, FRED and others. */
static void msr_instructions(void)
{
	UNDEFINED("WRMSRNS of an MSR that is not there", "0x0f, 0x01, 0xc6");
	UNDEFINED("RDMSRLIST", "0xf2, 0x0f, 0x01, 0xc6");
	UNDEFINED("WRMSRLIST", "0xf3, 0x0f, 0x01, 0xc6");
#ifdef __x86_64__
	UNDEFINED("RDMSR with an immediate", "0xc4, 0xe7, 0x7b, 0xf6, 0xc0, 0x8b, 0, 0, 0");
	UNDEFINED("WRMSRNS with an immediate", "0xc4, 0xe7, 0x7a, 0xf6, 0xc0, 0x8b, 0, 0, 0");
	UNDEFINED("RDMSR with an unknown immediate",
		  "0xc4, 0xe7, 0x7b, 0xf6, 0xc0, 0xff, 0xf, 0, 0x40");
	UNDEFINED("WRMSRNS with an unknown immediate",
		  "0xc4, 0xe7, 0x7a, 0xf6, 0xc0, 0xff, 0xf, 0, 0x40");
	UNDEFINED("URDMSR", "0xf2, 0x0f, 0x38, 0xf8, 0xc8");
	UNDEFINED("UWRMSR", "0xf3, 0x0f, 0x38, 0xf8, 0xc8");
	UNDEFINED("URDMSR with an immediate", "0xc4, 0xe7, 0x7b, 0xf8, 0xc0, 0x8b, 0, 0, 0");
	UNDEFINED("UWRMSR with an immediate", "0xc4, 0xe7, 0x7a, 0xf8, 0xc0, 0x8b, 0, 0, 0");
#endif
}

static void enclaves_and_keys(void)
{
	UNDEFINED("ENCLS", "0x0f, 0x01, 0xcf");
	UNDEFINED("ENCLV", "0x0f, 0x01, 0xc0");
	UNDEFINED("PCONFIG", "0x0f, 0x01, 0xc5");
	UNDEFINED("LOADIWKEY", "0xf3, 0x0f, 0x38, 0xdc, 0xc8");
	UNDEFINED("SEAMCALL", "0x66, 0x0f, 0x01, 0xcf");
	UNDEFINED("TDCALL", "0x66, 0x0f, 0x01, 0xcc");
#ifdef __x86_64__
	/* which CR4 would have to allow: UINTR, FRED */
	UNDEFINED("UIRET", "0xf3, 0x0f, 0x01, 0xec");
	UNDEFINED("CLUI", "0xf3, 0x0f, 0x01, 0xee");
	UNDEFINED("STUI", "0xf3, 0x0f, 0x01, 0xef");
	UNDEFINED("TESTUI", "0xf3, 0x0f, 0x01, 0xed");
	UNDEFINED("SENDUIPI", "0xf3, 0x0f, 0xc7, 0xf0");
	UNDEFINED("ERETS", "0xf2, 0x0f, 0x01, 0xca");
	UNDEFINED("ERETU", "0xf3, 0x0f, 0x01, 0xca");
#endif
}

const struct check hidden_checks[] = {
	{"hidden-waitpkg", waitpkg, NEEDS_HYPERCALL},
	{"hidden-waitpkg-in-user-mode", waitpkg_in_user_mode, NEEDS_HYPERCALL},
	{"hidden-msr-instructions", msr_instructions, NEEDS_HYPERCALL},
	{"hidden-enclaves-and-keys", enclaves_and_keys, NEEDS_HYPERCALL},
};
const size_t hidden_check_count = ARRAY_SIZE(hidden_checks);
