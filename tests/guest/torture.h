/*
 * The torture guest: a machine of registers in memory (`model`) that does what the processor must
 * do, and operations that change both. What it is and its options: torture.c.
 */
#pragma once

#include "support/fpu.h"
#include "support/guest.h"
#include "support/trap.h"

/*
 * What every register holds now. What XCR0 leaves out is in it too: clearing a bit of XCR0 loses
 * nothing (SDM Vol. 1 13.3). But a VEX instruction may zero bits 511:256 of its destination
 * while AVX-512 is off, or leave them: `loose` has a bit for each such register.
 */
extern struct fpu_registers model;
extern uint32_t loose;
extern volatile bool loose_by_interrupt; /* ... every register has */
extern uint64_t xcr0_all, xcr0_now;	 /* 0 without XSAVE */

/* Numbers that depend on the seed, the step, and how many were drawn in it. */
uint64_t draw(void);
unsigned below(unsigned limit);

/* Says what is wrong, with all that is needed to repeat it. The run ends with this step. */
void wrong(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
bool is_wrong(void);

/* The registers hold what the model says, seen in one of several ways. */
void verify(void);
/* ... all of them, by moves to memory. */
void verify_all(void);

/* Leaves the guest in some way, or does not. Touches no FPU register and not the model. */
void pause_here(void);

/* Whether an exception may be taken without an exit: support/trap.h. */
bool may_fault(void);

static inline bool x87_pending(void)
{
	return model.fx.fsw & 0x80;
}

/* All of one component of `model` = `from`, or the initial state. Bits as in XCR0. */
void model_component(const struct fpu_registers *from, unsigned bit);
void model_vector(unsigned n, const uint8_t *bytes, unsigned first, unsigned count);

/* Operations. */
void load_everything(void); /* torture_load.c */
void change_x87(void);
void change_sse(void);
void change_vex(void);
void change_evex(void);
void change_mmx(void);
void area_save(void); /* torture_area.c */
void area_restore(void);
void area_swap(void);
void area_malformed(void);
void change_xcr0(void); /* torture_control.c */
void own_ts(void);
void own_em(void);
void wait_for_nothing(void);
void other_exits(void);
void change_tiles(void); /* torture_tiles.c */
void reset_myself(void); /* torture.c */
void change_policy(void);

/* An XSAVE area at a random place. */
uint8_t *random_area(void);

void start_interrupts(void); /* torture_control.c: a handler that uses the FPU itself */
#define FPU_TIMER_VECTOR 0x41

/* torture_ops.S: one instruction for each register, TORTURE_OP_SIZE bytes apart. */
#define TORTURE_OP_SIZE 16
extern const char movups_load[], movups_store[], vmov_xmm_load[], vmov_ymm_load[], vmov_ymm_store[],
	vmov_zmm_load[], vmov_zmm_store[], movq_mm_load[], movq_mm_store[], kmovw_load[],
	kmovw_store[], kmovq_load[], kmovq_store[], ffree_st[], fxch_st[];

static inline void register_op(const char *table, unsigned n, void *bytes)
{
	asm volatile("call *%0" : : "r"(table + TORTURE_OP_SIZE * n), "D"(bytes) : "memory");
}
