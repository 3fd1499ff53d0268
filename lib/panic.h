/*
 * The end of the hypervisor, where it cannot go on. Any context.
 */
#pragma once

#include <stdint.h>

/*
 * One line of text and a symbolised backtrace, then the end of the machine per `panic=`: by the
 * reporter.
 */
_Noreturn void panic(const char *format, ...) __attribute__((format(printf, 1, 2)));

/*
 * Who reports a panic and ends the machine (boot/fault.c): the text, and where it came from. It
 * does not return. First CPU, before anything that may panic.
 */
typedef void panic_reporter(const char *text, uint64_t rip, uint64_t rbp);
void panic_set_reporter(panic_reporter *reporter);
