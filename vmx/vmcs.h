/*
 * The current VMCS: one typed read and one typed write. SDM Vol. 3C chapter 24, Vol. 3D Appendix B.
 * Root mode, a VMCS current on this CPU. A field that does not exist stops the machine.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "vmx/vmcs_fields.h"

#define VMCS_ENUM(name, encoding) VMCS_##name = encoding,
enum vmcs_field { VMCS_FIELDS(VMCS_ENUM) };
#undef VMCS_ENUM

_Noreturn void vmcs_access_failed(enum vmcs_field field, bool write);

#if __STDC_HOSTED__ /* a unit test supplies both */
uint64_t vmcs_read(enum vmcs_field field);
void vmcs_write(enum vmcs_field field, uint64_t value);
#define vmcs_read_known	 vmcs_read
#define vmcs_write_known vmcs_write
#else
/* VMfailInvalid sets CF, VMfailValid sets ZF (SDM Vol. 3C 30.2): "be" is either. */
static inline uint64_t vmcs_read(enum vmcs_field field)
{
	uint64_t value;
	bool failed;

	__asm__ volatile("vmread %2, %0" : "=r"(value), "=@ccbe"(failed) : "r"((uint64_t)field));
	if (__builtin_expect(failed, 0))
		vmcs_access_failed(field, false);
	return value;
}

static inline void vmcs_write(enum vmcs_field field, uint64_t value)
{
	bool failed;

	__asm__ volatile("vmwrite %1, %2" : "=@ccbe"(failed) : "r"(value), "r"((uint64_t)field));
	if (__builtin_expect(failed, 0))
		vmcs_access_failed(field, true);
}

/* A field of a feature that this CPU lacks does not exist: it reads as 0, and is not written. */
static inline uint64_t vmcs_read_if_present(uint32_t field)
{
	uint64_t value;
	bool failed;

	__asm__ volatile("vmread %2, %0" : "=r"(value), "=@ccbe"(failed) : "r"((uint64_t)field));
	return failed ? 0 : value;
}

static inline bool vmcs_write_if_present(uint32_t field, uint64_t value)
{
	bool failed;

	__asm__ volatile("vmwrite %1, %2" : "=@ccbe"(failed) : "r"(value), "r"((uint64_t)field));
	return !failed;
}

/*
 * For the short way of an exit: fields that every CPU with VMX has, where the VMREAD of the exit
 * reason has just shown that a VMCS is current. VMREAD and VMWRITE have no third way to fail (SDM
 * Vol. 3C 30.3), so these two are not tested.
 */
static inline uint64_t vmcs_read_known(enum vmcs_field field)
{
	uint64_t value;

	__asm__ volatile("vmread %1, %0" : "=r"(value) : "r"((uint64_t)field) : "cc");
	return value;
}

static inline void vmcs_write_known(enum vmcs_field field, uint64_t value)
{
	__asm__ volatile("vmwrite %0, %1" : : "r"(value), "r"((uint64_t)field) : "cc");
}
#endif
