/*
 * Which guest receives what is typed on the console while the monitor is closed: it goes to its
 * COM1. First CPU, in root mode, between two turns.
 */
#pragma once

struct vm;

/* NULL: none, and lines that are typed are commands. The answer is a @monitor record. */
void focus_set(struct vm *vm);

/* NULL if there is none, or it has ended. */
struct vm *focus_vm(void);

/* A character for focus_vm(), which is not NULL. One that the guest leaves no room for is lost. */
void focus_type(char c);
