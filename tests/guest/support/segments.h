/* The guest's descriptor table. One order for both modes; the code segment differs. */
#pragma once

#define SEL_CODE32	0x08
#define SEL_DATA	0x10
#define SEL_CODE64	0x18
#define SEL_USER_CODE32 0x23
#define SEL_USER_DATA	0x2b
#define SEL_USER_CODE64 0x33
#define SEL_TSS		0x38 /* 16 bytes in 64-bit mode */
#define SEL_CODE16	0x48
#define SEL_DATA16	0x50
#define SEL_SPARE	0x58 /* for tests that need one more descriptor */
#define GDT_BYTES	0x60

#ifdef __x86_64__
#define SEL_CODE      SEL_CODE64
#define SEL_USER_CODE SEL_USER_CODE64
#else
#define SEL_CODE      SEL_CODE32
#define SEL_USER_CODE SEL_USER_CODE32
#endif
