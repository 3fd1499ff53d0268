/*
 * Dies in a function that is known by name, called by two others, with registers that are known: by
 * a triple fault. With the word refused it is refused an MSR first, and asks ports that nobody
 * answers; with poll it does not die but asks one of them for ever, with interrupts off, and an
 * interrupt pending. Built with frame pointers.
 */
#include "support/guest.h"
#include "support/trap.h"

const char guest_name[] = "dies";

#define NOBODYS	     0x62
#define TIMER_VECTOR 0x40

__attribute__((noinline)) static void dies_here(void)
{
	static const struct descriptor_pointer none;

	asm volatile("lidt %0\n\t"
		     "mov $0x11111111, %%eax\n\t"
		     "mov $0x22222222, %%ecx\n\t"
		     "mov $0x33333333, %%edx\n\t"
		     "mov $0x66666666, %%esi\n\t"
		     "mov $0x77777777, %%edi\n\t"
		     "ud2\n\t"
		     ".byte 0xde, 0xad, 0xbe, 0xef"
		     :
		     : "m"(none)
		     : "memory", "eax", "ecx", "edx", "esi", "edi");
	print("FAIL dies: still here\n"); /* a function that calls nobody has no frame */
}

__attribute__((noinline)) static void polls_here(void)
{
	set_timer(TIMER_VECTOR, 1);
	for (;;)
		inb(NOBODYS);
}

static void is_refused(void)
{
	TRY("rdmsr", : : "c"(0x19a) : "eax", "edx", "memory");
	TRY("wrmsr", : : "c"(0x19a), "a"(0xfee00900), "d"(0) : "memory");
	inb(NOBODYS);
	outb(0x80, 0x5a);
}

__attribute__((noinline)) static void calls_it(void)
{
	if (option("poll"))
		polls_here();
	dies_here();
	asm volatile(""); /* so that the call is one */
}

__attribute__((noinline)) static void calls_who_calls_it(void)
{
	calls_it();
	asm volatile("");
}

int guest_main(void)
{
	print("dies: starts\n");
	if (option("refused"))
		is_refused();
	calls_who_calls_it();
	print("FAIL dies: still alive\n");
	return 1;
}
