/*
 * A fault in the hypervisor itself: say everything there is to know, then end the machine.
 */
#pragma once

struct trap_frame;

/* Has panic() report here. First CPU, before anything that may panic. */
void fault_init(void);

/* Prints registers, control registers and a symbolised backtrace; ends per `panic=`. */
_Noreturn void fault_report(const struct trap_frame *frame);

/*
 * What a higher floor has to say besides, printed after the backtrace of a fault or panic(). It
 * may itself fault: that ends the machine. At boot.
 */
void fault_print_also(void (*print_more)(void));
