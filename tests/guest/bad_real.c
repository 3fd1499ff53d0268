/*
 * Real mode with a CS selector whose two low bits are set, which VM entry must take. 32-bit only.
 */
#include "bad.h"

#ifdef __x86_64__
int real_mode_cs(void)
{
	report_skip("realcs", "32-bit only");
	return 0;
}
#else
void real_mode_cs_go(void) __attribute__((noreturn));
extern char real_mode_cs_blob[], real_mode_cs_end[];

int real_mode_cs(void)
{
	memcpy((void *)0x8000, real_mode_cs_blob, (size_t)(real_mode_cs_end - real_mode_cs_blob));
	real_mode_cs_go();
}
#endif
