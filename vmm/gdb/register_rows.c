#include "fpu/features.h"
#include "lib/x86.h"
#include "vmm/gdb/fpu_values.h"
#include "vmm/gdb/register_rows.h"

#define CORE	 "org.gnu.gdb.i386.core"
#define SSE	 "org.gnu.gdb.i386.sse"
#define AVX	 "org.gnu.gdb.i386.avx"
#define AVX512	 "org.gnu.gdb.i386.avx512"
#define SEGMENTS "org.gnu.gdb.i386.segments"
#define SYSTEM	 "org.resident.system"

static const char *const general_64[] = {"rax", "rbx", "rcx", "rdx", "rsi", "rdi", "rbp", "rsp",
					 "r8",	"r9",  "r10", "r11", "r12", "r13", "r14", "r15"};
static const char *const general_32[] = {"eax", "ecx", "edx", "ebx", "esp", "ebp", "esi", "edi"};
static const char *const rip_64[] = {"rip"}, *const rip_32[] = {"eip"};
static const char *const flags[] = {"eflags"};
static const char *const selectors[] = {"cs", "ss", "ds", "es", "fs", "gs"};
static const char *const control[] = {"fctrl", "fstat", "ftag",	 "fiseg",
				      "fioff", "foseg", "fooff", "fop"};
static const char *const mxcsr[] = {"mxcsr"};
static const char *const bases[] = {"fs_base", "gs_base"};
static const char *const system_names[] = {"cr0", "cr2", "cr3", "cr4", "cr8", "efer"};

#define NAMED(array, bytes_each, type_name, kind_of)                                               \
	.names = (array), .count = sizeof(array) / sizeof((array)[0]), .bytes = (bytes_each),      \
	.type = (type_name), .kind = (kind_of)
#define FPU(before, from, number, bytes_each, type_name, kind_of, components)                      \
	.prefix = (before), .suffix = "", .first = (from), .count = (number),                      \
	.bytes = (bytes_each), .type = (type_name), .kind = REGISTER_FPU, .fpu = (kind_of),        \
	.needs = (components)
#define CONTROL_WORDS                                                                              \
	{                                                                                          \
		CORE, NAMED(control, 4, "int", REGISTER_FPU), .fpu = FPU_VALUE_CONTROL             \
	}
#define MXCSR                                                                                      \
	{                                                                                          \
		SSE, NAMED(mxcsr, 4, "i386_mxcsr", REGISTER_FPU), .fpu = FPU_VALUE_MXCSR           \
	}
#define HIGH(before, after, from, number, bytes_each, type_name, kind_of, components)              \
	.prefix = (before), .suffix = (after), .first = (from), .count = (number),                 \
	.bytes = (bytes_each), .type = (type_name), .kind = REGISTER_FPU, .fpu = (kind_of),        \
	.needs = (components)

static const struct register_row rows_64[] = {
	{CORE, NAMED(general_64, 8, "int64", REGISTER_GENERAL)},
	{CORE, NAMED(rip_64, 8, "code_ptr", REGISTER_RIP)},
	{CORE, NAMED(flags, 4, "i386_eflags", REGISTER_RFLAGS)},
	{CORE, NAMED(selectors, 4, "int32", REGISTER_SELECTOR)},
	{CORE, FPU("st", 0, 8, 10, "i387_ext", FPU_VALUE_ST, 0)},
	CONTROL_WORDS,
	{SSE, FPU("xmm", 0, 16, 16, "vec128", FPU_VALUE_XMM, 0)},
	MXCSR,
	{SEGMENTS, NAMED(bases, 8, "int64", REGISTER_BASE)},
	{AVX, HIGH("ymm", "h", 0, 16, 16, "uint128", FPU_VALUE_YMM_HIGH, XCR0_AVX)},
	{AVX512, FPU("k", 0, 8, 8, "uint64", FPU_VALUE_MASK, XCR0_AVX512)},
	{AVX512, HIGH("zmm", "h", 0, 16, 32, "v2ui128", FPU_VALUE_ZMM_HIGH, XCR0_AVX512)},
	{AVX512, FPU("xmm", 16, 16, 16, "vec128", FPU_VALUE_XMM, XCR0_AVX512)},
	{AVX512, HIGH("ymm", "h", 16, 16, 16, "uint128", FPU_VALUE_YMM_HIGH, XCR0_AVX512)},
	{AVX512, HIGH("zmm", "h", 16, 16, 32, "v2ui128", FPU_VALUE_ZMM_HIGH, XCR0_AVX512)},
	{SYSTEM, NAMED(system_names, 8, "int64", REGISTER_CONTROL)},
	{},
};

static const struct register_row rows_32[] = {
	{CORE, NAMED(general_32, 4, "int32", REGISTER_GENERAL)},
	{CORE, NAMED(rip_32, 4, "code_ptr", REGISTER_RIP)},
	{CORE, NAMED(flags, 4, "i386_eflags", REGISTER_RFLAGS)},
	{CORE, NAMED(selectors, 4, "int32", REGISTER_SELECTOR)},
	{CORE, FPU("st", 0, 8, 10, "i387_ext", FPU_VALUE_ST, 0)},
	CONTROL_WORDS,
	{SSE, FPU("xmm", 0, 8, 16, "vec128", FPU_VALUE_XMM, 0)},
	MXCSR,
	{AVX, HIGH("ymm", "h", 0, 8, 16, "uint128", FPU_VALUE_YMM_HIGH, XCR0_AVX)},
	{AVX512, FPU("k", 0, 8, 8, "uint64", FPU_VALUE_MASK, XCR0_AVX512)},
	{AVX512, HIGH("zmm", "h", 0, 8, 32, "v2ui128", FPU_VALUE_ZMM_HIGH, XCR0_AVX512)},
	{SYSTEM, NAMED(system_names, 4, "int32", REGISTER_CONTROL)},
	{},
};

const struct register_row *register_rows(bool wide)
{
	return wide ? rows_64 : rows_32;
}

bool register_row_there(const struct register_row *row)
{
	return (row->needs & fpu_features()->superset) == row->needs;
}
