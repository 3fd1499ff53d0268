/* Guest segment registers. */
#include "lib/array.h"
#include "lib/x86.h"
#include "vmx/checks/entry_break.h"
#include "vmx/vmcs.h"
#include "vmx/vmcs_bits.h"

#define UNRESTRICTED SET_CONTROL(SECONDARY, UNRESTRICTED_GUEST)
#define LDT_RIGHTS   0x82
#define EXECUTE_ONLY 0xc099 /* code, accessed, not readable */
#define CONFORMING   0xa09f
#define DATA_32	     0xc093

#define V8086_BREAKS(name, reg)                                                                    \
	BREAK_IN(BASE_V8086, name "-v8086-base", BROKEN(SET(GUEST_##reg##_BASE, 0x1000))),         \
		BREAK_IN(BASE_V8086, name "-v8086-limit",                                          \
			 BROKEN(PUT(GUEST_##reg##_LIMIT, 0xfffff))),                               \
		BREAK_IN(BASE_V8086, name "-v8086-rights",                                         \
			 BROKEN(CLEAR(GUEST_##reg##_ACCESS_RIGHTS, ACCESS_RIGHTS_DPL)))

#define COMMON_BREAKS(name, reg)                                                                   \
	BREAK(name "-s", BROKEN(CLEAR(GUEST_##reg##_ACCESS_RIGHTS, ACCESS_RIGHTS_S))),             \
		BREAK(name "-present",                                                             \
		      BROKEN(CLEAR(GUEST_##reg##_ACCESS_RIGHTS, ACCESS_RIGHTS_P))),                \
		BREAK(name "-reserved-low", BROKEN(SET(GUEST_##reg##_ACCESS_RIGHTS, 0x100))),      \
		BREAK(name "-reserved-high", BROKEN(SET(GUEST_##reg##_ACCESS_RIGHTS, BIT(17)))),   \
		BREAK(name "-granularity-0", BROKEN(PUT(GUEST_##reg##_LIMIT, 0xfffff000))),        \
		BREAK(name "-granularity-1",                                                       \
		      BROKEN(CLEAR(GUEST_##reg##_ACCESS_RIGHTS, ACCESS_RIGHTS_G)))

#define DATA_BREAKS(name, reg)                                                                     \
	V8086_BREAKS(name, reg),                                                                   \
		BREAK(name "-accessed", BROKEN(CLEAR(GUEST_##reg##_ACCESS_RIGHTS, 1))),            \
		BREAK(name "-readable", BROKEN(PUT(GUEST_##reg##_ACCESS_RIGHTS, EXECUTE_ONLY))),   \
		BREAK(name "-dpl", BROKEN(SET(GUEST_##reg##_SELECTOR, 3))),                        \
		COMMON_BREAKS(name, reg)

#define LOW_BASE_BREAK(name, reg) BREAK(name "-base", BROKEN(SET(GUEST_##reg##_BASE, BIT(32))))

#define BASE_BREAK(name, reg) BREAK(name "-base", BROKEN(NOT_CANONICAL(GUEST_##reg##_BASE)))

#define SYSTEM_BREAKS(name, reg, ...)                                                              \
	BREAK(name "-ti", VALID(__VA_ARGS__), BROKEN(SET(GUEST_##reg##_SELECTOR, 4))),             \
		BREAK(name "-base", VALID(__VA_ARGS__),                                            \
		      BROKEN(NOT_CANONICAL(GUEST_##reg##_BASE))),                                  \
		BREAK(name "-s", VALID(__VA_ARGS__),                                               \
		      BROKEN(SET(GUEST_##reg##_ACCESS_RIGHTS, ACCESS_RIGHTS_S))),                  \
		BREAK(name "-present", VALID(__VA_ARGS__),                                         \
		      BROKEN(CLEAR(GUEST_##reg##_ACCESS_RIGHTS, ACCESS_RIGHTS_P))),                \
		BREAK(name "-reserved-low", VALID(__VA_ARGS__),                                    \
		      BROKEN(SET(GUEST_##reg##_ACCESS_RIGHTS, 0x100))),                            \
		BREAK(name "-reserved-high", VALID(__VA_ARGS__),                                   \
		      BROKEN(SET(GUEST_##reg##_ACCESS_RIGHTS, BIT(17)))),                          \
		BREAK(name "-granularity-0", VALID(__VA_ARGS__),                                   \
		      BROKEN(SET(GUEST_##reg##_ACCESS_RIGHTS, ACCESS_RIGHTS_G))),                  \
		BREAK(name "-granularity-1", VALID(__VA_ARGS__),                                   \
		      BROKEN(PUT(GUEST_##reg##_LIMIT, 0x1fffff)))

static const struct entry_break breaks_segments[] = {
	DATA_BREAKS("es", ES),
	LOW_BASE_BREAK("es", ES),
	V8086_BREAKS("cs", CS),
	LOW_BASE_BREAK("cs", CS),
	BREAK("cs-type", BROKEN(CLEAR(GUEST_CS_ACCESS_RIGHTS, 1))),
	BREAK_IN(BASE_32, "cs-type", BROKEN(PUT(GUEST_CS_ACCESS_RIGHTS, DATA_32))),
	BREAK_IN(BASE_32, "cs-dpl-data", VALID(UNRESTRICTED, PUT(GUEST_CS_ACCESS_RIGHTS, DATA_32)),
		 BROKEN(SET(GUEST_CS_ACCESS_RIGHTS, ACCESS_RIGHTS_DPL))),
	BREAK("cs-dpl", BROKEN(SET(GUEST_CS_ACCESS_RIGHTS, ACCESS_RIGHTS_DPL))),
	BREAK("cs-dpl-conforming", VALID(PUT(GUEST_CS_ACCESS_RIGHTS, CONFORMING)),
	      BROKEN(SET(GUEST_CS_ACCESS_RIGHTS, ACCESS_RIGHTS_DPL))),
	BREAK("cs-d-l", BROKEN(SET(GUEST_CS_ACCESS_RIGHTS, ACCESS_RIGHTS_DB))),
	COMMON_BREAKS("cs", CS),
	V8086_BREAKS("ss", SS),
	BREAK("ss-rpl",
	      VALID(SET(GUEST_SS_SELECTOR, 3), SET(GUEST_SS_ACCESS_RIGHTS, ACCESS_RIGHTS_DPL),
		    SET(GUEST_CS_SELECTOR, 3), SET(GUEST_CS_ACCESS_RIGHTS, ACCESS_RIGHTS_DPL)),
	      BROKEN(CLEAR(GUEST_CS_SELECTOR, 3))),
	LOW_BASE_BREAK("ss", SS),
	BREAK("ss-type", BROKEN(CLEAR(GUEST_SS_ACCESS_RIGHTS, 2))),
	BREAK("ss-dpl-rpl", BROKEN(SET(GUEST_SS_ACCESS_RIGHTS, ACCESS_RIGHTS_DPL),
				   SET(GUEST_CS_ACCESS_RIGHTS, ACCESS_RIGHTS_DPL))),
	BREAK_IN(BASE_REAL, "ss-dpl-0",
		 BROKEN(SET(GUEST_SS_ACCESS_RIGHTS, ACCESS_RIGHTS_DPL),
			SET(GUEST_CS_ACCESS_RIGHTS, ACCESS_RIGHTS_DPL))),
	COMMON_BREAKS("ss", SS),
	DATA_BREAKS("ds", DS),
	LOW_BASE_BREAK("ds", DS),
	DATA_BREAKS("fs", FS),
	BASE_BREAK("fs", FS),
	DATA_BREAKS("gs", GS),
	BASE_BREAK("gs", GS),
	BREAK("tr-unusable", BROKEN(SET(GUEST_TR_ACCESS_RIGHTS, ACCESS_RIGHTS_UNUSABLE))),
	BREAK("tr-type", BROKEN(CLEAR(GUEST_TR_ACCESS_RIGHTS, 8))),
	BREAK_IN(BASE_32, "tr-type", BROKEN(CLEAR(GUEST_TR_ACCESS_RIGHTS, 2))),
	SYSTEM_BREAKS("tr", TR, ),
	BREAK("ldtr-type", VALID(PUT(GUEST_LDTR_ACCESS_RIGHTS, LDT_RIGHTS)),
	      BROKEN(SET(GUEST_LDTR_ACCESS_RIGHTS, 1))),
	SYSTEM_BREAKS("ldtr", LDTR, PUT(GUEST_LDTR_ACCESS_RIGHTS, LDT_RIGHTS)),
};
ENTRY_BREAKS(breaks_segments);
