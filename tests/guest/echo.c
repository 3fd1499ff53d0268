/*
 * Prints what it receives on COM1, line by line; a line ends with CR or LF. By polling, without its
 * FIFO with the word nofifo. Ends when the line is "quit", and well.
 */
#include "support/guest.h"

const char guest_name[] = "echo";

#define FCR	    (COM1 + 2)
#define LSR	    (COM1 + 5)
#define LSR_DATA    0x01
#define LSR_OVERRUN 0x02

static unsigned overruns;

static char receive(void)
{
	uint8_t status;

	do
		status = inb(LSR);
	while (!(status & LSR_DATA));
	overruns += !!(status & LSR_OVERRUN);
	return (char)inb(COM1);
}

int guest_main(void)
{
	char line[400];
	size_t length = 0;

	outb(FCR, option("nofifo") ? 0 : 1);
	print("echo: ready\n");
	for (;;) {
		char c = receive();

		if (c != '\r' && c != '\n') {
			if (length < sizeof(line) - 1)
				line[length++] = c;
			continue;
		}
		line[length] = '\0';
		length = 0;
		print("echo: %s\n", line);
		if (!strcmp(line, "quit"))
			break;
	}
	if (overruns)
		report_fail("echo", "%u overruns", overruns);
	else
		report_pass("echo");
	return report_end();
}
