/*
 * What is told of a guest, line by line as log_info(): of one that has ended badly what its vCPU
 * was at (registers, the instruction, who called it), of one that runs where it is and what it does
 * (the monitor's command `guests`). Nothing of the guest changes. Root mode of the CPU where it has
 * its turn, its memory as it left it.
 */
#pragma once

#include <stdbool.h>

struct pcpu;
struct vm;

/* Begins with the vCPU that failed. */
void look_at_failed(struct vm *vm);

/* The next line of what vm->look says, or a part of the search for a name. False: there is no more.
 */
bool look_go_on(struct pcpu *pcpu, struct vm *vm);
