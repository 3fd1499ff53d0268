/*
 * Each rule of vmx/checks/entry_checks.h broken on purpose: a VMCS that enters, what makes the rule
 * apply, and the change that breaks it. For tests of the rules, and for a CPU to be asked.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vmx/checks/entry_rule.h"

/* Guests that enter. Each one leaves at its first instruction, by what is not mapped. */
enum entry_base {
	BASE_64,    /* 64-bit mode, not unrestricted */
	BASE_32,    /* protected mode with 32-bit paging */
	BASE_PAE,   /* protected mode with PAE paging */
	BASE_V8086, /* virtual-8086 mode */
	BASE_REAL,  /* unrestricted, in real mode */
	ENTRY_BASES,
};

/* Pages of 4 KiB that the VMCS refers to. */
enum entry_page {
	PAGE_EPT,   /* no page is mapped */
	PAGE_ZEROS, /* bitmaps, the virtual-APIC page and the like */
	PAGE_MSRS,  /* areas of MSRs: a harmless one, twice */
	PAGE_VMCS,  /* for the link pointer */
	PAGE_PDPT,  /* no PDPTE is present */
	ENTRY_PAGES,
};

enum entry_how {
	HOW_END,	   /* no further change */
	HOW_SET,	   /* these bits to 1 */
	HOW_CLEAR,	   /* these bits to 0 */
	HOW_PUT,	   /* the value */
	HOW_PAGE,	   /* the address of a page: enum entry_page */
	HOW_CURRENT,	   /* the address of the current VMCS */
	HOW_WIDE,	   /* the first bit beyond the physical-address width to 1 */
	HOW_TOP,	   /* the last 16 bytes within it */
	HOW_NOT_CANONICAL, /* the lowest address that is not */
	HOW_BEYOND_LINEAR, /* the first bit beyond the linear-address width alone */
	HOW_FORBIDDEN,	   /* the lowest bit that the CPU does not allow to 1 */
	HOW_REQUIRED,	   /* the lowest bit that the CPU requires to 0 */
	HOW_MEMORY,	   /* 8 bytes of memory: `field` is the page, and 1000H times the offset */
	HOW_FLIP,	   /* the same, these bits of it inverted */
};

struct entry_change {
	uint8_t how;
	uint32_t field;
	uint64_t value;
};

/* What a CPU has to be like, beside what its control fields tell. */
enum entry_fact {
	FACT_NONE,
	FACT_LEGACY, /* VMLAUNCH outside of IA-32e mode */
	FACT_TRACED, /* Intel PT is enabled there */
	FACT_NO_ACCESSED_DIRTY,
	FACT_NO_SHADOW_STACK,
	FACT_MONITOR_TRAP,
	FACT_ERROR_CODES, /* injected exceptions must have the error code that they have */
	FACT_NESTED,	  /* nested exceptions can be injected */
	FACT_NO_LENGTH_0,
	FACT_HLT,
	FACT_SHUTDOWN,
	FACT_WAIT_FOR_SIPI,
	FACT_SGX,
	FACT_NO_SGX,
	FACT_RTM,
	FACT_NO_RTM,
};

#define ENTRY_CHANGES 6

struct entry_break {
	const char *rule;
	uint8_t base; /* enum entry_base */
	uint8_t fact; /* enum entry_fact: else it cannot be broken on this CPU */
	bool others;  /* with it other rules are broken, of the same or a later stage */
	struct entry_change valid[ENTRY_CHANGES];  /* the rule applies, and the state enters */
	struct entry_change broken[ENTRY_CHANGES]; /* and now it does not */
};

/* Where the changes go. */
struct entry_target {
	/* VMWRITE; false: the CPU does not have the field. */
	bool (*write)(void *arg, uint32_t field, uint64_t value);
	uint64_t (*read)(void *arg, uint32_t field); /* as in struct entry_source */
	void *arg;
	const struct entry_cpu *cpu;
	uint64_t current_vmcs;
	uint64_t page[ENTRY_PAGES];    /* physical addresses */
	uint64_t *memory[ENTRY_PAGES]; /* the same pages */
};

/* A table: vmx/checks/entry_break_tables.h has them all */
struct entry_breaks {
	const struct entry_break *row;
	size_t count;
};

#define ENTRY_BREAKS(table) const struct entry_breaks entry_##table = {table, ARRAY_SIZE(table)}

#define SET(field_, bits)                                                                          \
	{                                                                                          \
		HOW_SET, VMCS_##field_, bits                                                       \
	}
#define CLEAR(field_, bits)                                                                        \
	{                                                                                          \
		HOW_CLEAR, VMCS_##field_, bits                                                     \
	}
#define PUT(field_, value_)                                                                        \
	{                                                                                          \
		HOW_PUT, VMCS_##field_, value_                                                     \
	}
#define PAGE(field_, page_)                                                                        \
	{                                                                                          \
		HOW_PAGE, VMCS_##field_, page_                                                     \
	}
#define WIDE(field_)                                                                               \
	{                                                                                          \
		HOW_WIDE, VMCS_##field_, 0                                                         \
	}
#define NOT_CANONICAL(field_)                                                                      \
	{                                                                                          \
		HOW_NOT_CANONICAL, VMCS_##field_, 0                                                \
	}
#define FORBIDDEN(field_)                                                                          \
	{                                                                                          \
		HOW_FORBIDDEN, VMCS_##field_, 0                                                    \
	}
#define REQUIRED(field_)                                                                           \
	{                                                                                          \
		HOW_REQUIRED, VMCS_##field_, 0                                                     \
	}
#define AT(page, offset) ((page) + 0x1000 * (offset))
#define MEMORY(at, value_)                                                                         \
	{                                                                                          \
		HOW_MEMORY, at, value_                                                             \
	}
#define FLIP(at, bits)                                                                             \
	{                                                                                          \
		HOW_FLIP, at, bits                                                                 \
	}

/* A control of a word. */
#define SET_CONTROL(word, bit)	 SET(word##_CONTROLS, word##_##bit)
#define CLEAR_CONTROL(word, bit) CLEAR(word##_CONTROLS, word##_##bit)

#define BREAK(rule, ...)                                                                           \
	{                                                                                          \
		rule, BASE_64, __VA_ARGS__                                                         \
	}
#define BREAK_IN(base, rule, ...)                                                                  \
	{                                                                                          \
		rule, base, __VA_ARGS__                                                            \
	}
#define VALID(...)  .valid = {__VA_ARGS__}
#define BROKEN(...) .broken = {__VA_ARGS__}
