/*
 * What a person types on the hypervisor's console: one command a line, each answered by one line
 * or record. Root mode, interrupts off, between two VM entries; the first CPU.
 */
#pragma once

/*
 * Takes up to 16 characters of what has been typed since the last call, and carries out the lines
 * that are complete. A UART holds 16, more than any command: what is pasted in one go may lose its
 * end.
 */
void command_poll(void);

/* One character of it. Nothing is echoed: guests' lines would stand in between. */
void command_typed(char c);
