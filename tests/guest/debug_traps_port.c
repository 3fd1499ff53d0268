/* Breakpoints on ports, and on the memory operand of LMSW. */
#include "debug_traps.h"

#define PORT 0x80

static void with_de(bool on)
{
	write_cr4(on ? read_cr4() | CR4_DE : read_cr4() & ~CR4_DE);
}

/* One access, at the port that DR0 has: DX has it too. */
#define ACCESS(name, instruction, ...)                                                             \
	static void name(bool step)                                                                \
	{                                                                                          \
		uint32_t a = 0;                                                                    \
                                                                                                   \
		traps_begin(1, DR7(0, DR7_GLOBAL, DR7_PORT, DR7_BYTES1));                          \
		if (step)                                                                          \
			asm volatile(SET_TF HERE(instruction) OLD_FLAGS                            \
				     : "+a"(a)                                                     \
				     : "d"(PORT)                                                   \
				     : "memory");                                                  \
		else                                                                               \
			asm volatile(HERE(instruction) : "+a"(a) : "d"(PORT) : "memory");          \
		traps_end();                                                                       \
		expect_one_trap(instruction, step ? DR6_B(0) | DR6_BS : DR6_B(0));                 \
	}

ACCESS(out_imm8, "outb %%al, $0x80")
ACCESS(out_imm16, "outw %%ax, $0x80")
ACCESS(out_imm32, "outl %%eax, $0x80")
ACCESS(out_dx8, "outb %%al, %%dx")
ACCESS(out_dx16, "outw %%ax, %%dx")
ACCESS(out_dx32, "outl %%eax, %%dx")
ACCESS(in_imm8, "inb $0x80, %%al")
ACCESS(in_imm16, "inw $0x80, %%ax")
ACCESS(in_imm32, "inl $0x80, %%eax")
ACCESS(in_dx8, "inb %%dx, %%al")
ACCESS(in_dx16, "inw %%dx, %%ax")
ACCESS(in_dx32, "inl %%dx, %%eax")

static void every_instruction(void)
{
	static void (*const access[])(bool step) = {
		out_imm8, out_imm16, out_imm32, out_dx8, out_dx16, out_dx32,
		in_imm8,  in_imm16,  in_imm32,	in_dx8,	 in_dx16,  in_dx32,
	};

	with_de(true);
	write_dr0(PORT);
	for (size_t i = 0; i < ARRAY_SIZE(access); i++) {
		access[i](false);
		access[i](true);
	}
	with_de(false);
}

static void out(uint16_t port, unsigned size)
{
	switch (size) {
	case 1:
		asm volatile(HERE("outb %%al, %%dx") : : "a"(0), "d"(port) : "memory");
		break;
	case 2:
		asm volatile(HERE("outw %%ax, %%dx") : : "a"(0), "d"(port) : "memory");
		break;
	default:
		asm volatile(HERE("outl %%eax, %%dx") : : "a"(0), "d"(port) : "memory");
	}
}

static void range(void)
{
	static const struct {
		uintptr_t dr, bytes;
		uint16_t port;
		unsigned size;
		bool met;
	} cases[] = {
		{0x80, DR7_BYTES1, 0x80, 1, true},	  {0x80, DR7_BYTES1, 0x81, 1, false},
		{0x80, DR7_BYTES1, 0x7f, 2, true},	  {0x80, DR7_BYTES1, 0x7e, 2, false},
		{0x83, DR7_BYTES1, 0x80, 4, true},	  {0x84, DR7_BYTES1, 0x80, 4, false},
		{0x83, DR7_BYTES2, 0x82, 1, true},	  {0x83, DR7_BYTES2, 0x84, 1, false},
		{0x82, DR7_BYTES2, 0x81, 1, false},	  {0x82, DR7_BYTES4, 0x80, 1, true},
		{0x82, DR7_BYTES4, 0x84, 1, false},	  {0x82, DR7_BYTES4, 0x7f, 1, false},
		{0x85, DR7_BYTES8, 0x80, 1, true},	  {0x85, DR7_BYTES8, 0x87, 1, true},
		{0x85, DR7_BYTES8, 0x88, 1, false},	  {0x10080, DR7_BYTES1, 0x80, 1, false},
		{0x80000080, DR7_BYTES1, 0x80, 1, false},
	};

	with_de(true);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		write_dr3(cases[i].dr);
		traps_begin(1, DR7(3, DR7_LOCAL, DR7_PORT, cases[i].bytes));
		out(cases[i].port, cases[i].size);
		traps_end();
		if (cases[i].met)
			expect_one_trap("in its range", DR6_B(3));
		else
			expect_no_trap("beside its range");
		if (!!seen.count != cases[i].met)
			print("port 0x%x, %u bytes, under DR 0x%lx\n", cases[i].port, cases[i].size,
			      (unsigned long)cases[i].dr);
	}
	with_de(false);
}

static void try_out(const char *what, uintptr_t dr7, uintptr_t causes)
{
	traps_begin(1, dr7);
	out(PORT, 1);
	traps_end();
	if (causes)
		expect_one_trap(what, causes);
	else
		expect_no_trap(what);
}

static void enabled(void)
{
	uintptr_t each[] = {DR7(0, 0, DR7_PORT, DR7_BYTES1), DR7(1, 0, DR7_PORT, DR7_BYTES1),
			    DR7(2, 0, DR7_PORT, DR7_BYTES1), DR7(3, 0, DR7_PORT, DR7_BYTES1)};

	write_dr0(PORT);
	write_dr1(PORT);
	write_dr2(PORT);
	write_dr3(PORT);
	with_de(false);
	try_out("without CR4.DE", each[0] | DR7_GLOBAL, 0);
	with_de(true);
	with_de(false);
	try_out("without CR4.DE again", each[0] | DR7_GLOBAL, 0);
	with_de(true);
	try_out("not enabled", each[0] | each[1] | each[2] | each[3], 0);
	/* the others are of another kind: a match that is not enabled may show in DR6, or not */
	for (unsigned n = 0; n < 4; n++) {
		try_out("local", each[n] | DR7_LOCAL << 2 * n, DR6_B(n));
		try_out("global", each[n] | DR7_GLOBAL << 2 * n, DR6_B(n));
	}
	try_out("two", each[0] | each[2] | DR7_GLOBAL | DR7_LOCAL << 4, DR6_B(0) | DR6_B(2));
	try_out("memory", DR7(0, DR7_GLOBAL, DR7_READ, DR7_BYTES1), 0);
	try_out("code", DR7(0, DR7_GLOBAL, DR7_CODE, DR7_BYTES1), 0);
	with_de(false);
}

/* While the FPU is the hypervisor's to give, LMSW exits. */
static void lmsw_operand(void)
{
	static uint16_t msw[2] __attribute__((aligned(4)));

	write_dr0((uintptr_t)&msw[0]);
	for (unsigned i = 0; i < 2; i++) { /* TS is set, and as it was */
		msw[0] = msw[1] = (uint16_t)(smsw() ^ CR0_TS);
		traps_begin(1, DR7(0, DR7_GLOBAL, DR7_READ, DR7_BYTES2));
		asm volatile(HERE("lmsw %0") : : "m"(msw[0]) : "memory");
		traps_end();
		expect_one_trap("LMSW", DR6_B(0));
		msw[1] = msw[0] = (uint16_t)(smsw() ^ CR0_MP);
		traps_begin(1, DR7(0, DR7_GLOBAL, DR7_READ, DR7_BYTES2));
		asm volatile(HERE("lmsw %0") : : "m"(msw[1]) : "memory");
		traps_end();
		expect_no_trap("LMSW from beside it");
	}
}

const struct check port_checks[] = {
	{"port-every-instruction", every_instruction, 0},
	{"port-range", range, 0},
	{"port-enabled", enabled, 0},
	{"lmsw-operand", lmsw_operand, 0},
};
const size_t port_check_count = ARRAY_SIZE(port_checks);
