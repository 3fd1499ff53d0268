/*
 * Ends the guest that this Linux is: `end STATUS` writes it to port F4h. On a machine without that
 * port it does nothing, and fails.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/io.h>

#define EXIT_PORT 0xF4

int main(int count, char **words)
{
	if (count != 2) {
		fputs("usage: end STATUS\n", stderr);
		return 2;
	}
	if (ioperm(EXIT_PORT, 1, 1)) {
		perror("end: ioperm");
		return 1;
	}
	outb((unsigned char)atoi(words[1]), EXIT_PORT);
	return 1;
}
