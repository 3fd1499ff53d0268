/*
 * Hardware task switches, which exit whatever the controls say and are made for the guest: SDM Vol.
 * 3A chapter 8, Vol. 3C 25.4.2. A handler as vmm/exit/dispatch.h has them, in the run loop.
 *
 * What fails before anything is changed is raised in the outgoing task, at the instruction, or in
 * place of the event that the task gate was for. From then on the incoming task has all registers
 * of its TSS, and what fails is raised there, before its first instruction. Until SS can be used
 * its CPL is 3, so that a handler gets a stack of the TSS.
 */
#pragma once

struct vcpu;

void exit_task_switch(struct vcpu *vcpu);
