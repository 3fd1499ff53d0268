#include "vmm/switch.h"

#include "fpu/features.h"
#include "fpu/instructions.h"
#include "lib/x86.h"
#include "vmm/cpuid.h"
#include "vmx/mitigate.h"

const uint32_t switch_msr_number[UNSWITCHED_MSR_COUNT] = {
	[UNSWITCHED_STAR] = MSR_STAR,
	[UNSWITCHED_LSTAR] = MSR_LSTAR,
	[UNSWITCHED_CSTAR] = MSR_CSTAR,
	[UNSWITCHED_FMASK] = MSR_FMASK,
	[UNSWITCHED_KERNEL_GS_BASE] = MSR_KERNEL_GS_BASE,
	[UNSWITCHED_TSC_AUX] = MSR_TSC_AUX,
};

void switch_read(struct unswitched *live)
{
	for (unsigned int i = 0; i < UNSWITCHED_MSR_COUNT; i++)
		if (i != UNSWITCHED_TSC_AUX || guest_has_rdtscp())
			live->msr[i] = rdmsr(switch_msr_number[i]);
	switch_save(live, live);
	if (fpu_features()->superset & XCR0_PKRU)
		switch_save_pkru(live, live);
}

void switch_save_pkru(struct unswitched *live, struct unswitched *own)
{
	own->pkru = live->pkru = fpu_rdpkru();
}

void switch_save(struct unswitched *live, struct unswitched *own)
{
	/* by SWAPGS */
	own->msr[UNSWITCHED_KERNEL_GS_BASE] = live->msr[UNSWITCHED_KERNEL_GS_BASE] =
		rdmsr(MSR_KERNEL_GS_BASE);
	own->cr2 = live->cr2 = read_cr2();
	own->dr[0] = live->dr[0] = read_dr0();
	own->dr[1] = live->dr[1] = read_dr1();
	own->dr[2] = live->dr[2] = read_dr2();
	own->dr[3] = live->dr[3] = read_dr3();
	own->dr6 = live->dr6 = read_dr6();
}

/* Writes a register that is not as wanted. */
#define SWITCH(member, write)                                                                      \
	do {                                                                                       \
		if (live->member != wanted->member) {                                              \
			write(wanted->member);                                                     \
			live->member = wanted->member;                                             \
		}                                                                                  \
	} while (0)

void switch_to(struct unswitched *live, const struct unswitched *wanted)
{
	if (mitigations_ibpb && live->domain != wanted->domain) {
		mitigate_new_domain();
		live->domain = wanted->domain;
	}
#pragma GCC unroll 6 /* three instructions each, and no counting */
	for (unsigned int i = 0; i < UNSWITCHED_MSR_COUNT; i++) {
		if (live->msr[i] == wanted->msr[i])
			continue;
		wrmsr(switch_msr_number[i], wanted->msr[i]);
		live->msr[i] = wanted->msr[i];
	}
	SWITCH(pkru, fpu_wrpkru);
	SWITCH(cr2, write_cr2);
	SWITCH(dr[0], write_dr0);
	SWITCH(dr[1], write_dr1);
	SWITCH(dr[2], write_dr2);
	SWITCH(dr[3], write_dr3);
	SWITCH(dr6, write_dr6);
}
