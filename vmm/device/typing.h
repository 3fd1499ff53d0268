/*
 * What is typed for a guest on the hypervisor's console, on its way into the guest's PC: by COM1 if
 * the guest has its receiver's interrupt on, or has the keyboard's line masked; else by the
 * keyboard.
 */
#pragma once

struct vm;

/* As far as there is room. On the CPU that has its turn. */
void typing_receive(struct vm *vm);
