#include "vmm/exit/bios_names.h"

#include "lib/array.h"
#include "lib/format.h"

#define ADVICE_PRINT  "print on COM1 at 3F8h"
#define ADVICE_MEMORY "the memory map is in the multiboot information"
#define ADVICE_DISK   "there are no disks: hand data over as a module (of=)"
#define ADVICE_INPUT  "there is no input: use the kernel's command line"
#define ADVICE_TIME   "time is the TSC's, and the timer hypercall's"
#define ADVICE_END    "to end, write a status to port F4h, or 6 to port CF9h for a reset"
#define ADVICE_OTHER  "it has to do that by itself"

static const struct service {
	uint8_t vector;
	const char *name;
	const char *advice;
} services[] = {
	{0x05, "print screen", ADVICE_PRINT},
	{0x10, "video", ADVICE_PRINT},
	{0x11, "equipment list", ADVICE_OTHER},
	{0x12, "memory size", ADVICE_MEMORY},
	{0x13, "disk", ADVICE_DISK},
	{0x14, "serial port", ADVICE_PRINT},
	{0x15, "system services", ADVICE_OTHER},
	{0x16, "keyboard", ADVICE_INPUT},
	{0x17, "printer", ADVICE_PRINT},
	{0x18, "no boot device", ADVICE_END},
	{0x19, "boot", ADVICE_END},
	{0x1A, "clock", ADVICE_TIME},
	{0x1B, "Ctrl-Break", ADVICE_OTHER},
	{0x1D, "video parameters", ADVICE_OTHER},
	{0x1E, "diskette parameters", ADVICE_OTHER},
	{0x1F, "font", ADVICE_OTHER},
	{0x20, "DOS", ADVICE_OTHER},
	{0x21, "DOS", ADVICE_OTHER},
	{0x2F, "DOS multiplex", ADVICE_OTHER},
	{0x40, "diskette", ADVICE_DISK},
	{0x41, "disk parameters", ADVICE_DISK},
	{0x4A, "alarm", ADVICE_TIME},
};

/* With a mask of FFFFh the function is in AX, else in AH. */
static const struct function {
	uint8_t vector;
	uint16_t ax, mask;
	const char *name;
	const char *advice;
} functions[] = {
	{0x10, 0x0000, 0xFF00, "set the video mode", ADVICE_PRINT},
	{0x10, 0x0200, 0xFF00, "place the cursor", ADVICE_PRINT},
	{0x10, 0x0300, 0xFF00, "where is the cursor", ADVICE_PRINT},
	{0x10, 0x0600, 0xFF00, "scroll", ADVICE_PRINT},
	{0x10, 0x0900, 0xFF00, "write a character", ADVICE_PRINT},
	{0x10, 0x0E00, 0xFF00, "write a character", ADVICE_PRINT},
	{0x10, 0x0F00, 0xFF00, "which video mode", ADVICE_PRINT},
	{0x10, 0x1300, 0xFF00, "write a string", ADVICE_PRINT},
	{0x10, 0x4F00, 0xFF00, "VESA", ADVICE_PRINT},
	{0x13, 0x0000, 0xFF00, "reset the disk", ADVICE_DISK},
	{0x13, 0x0200, 0xFF00, "read sectors", ADVICE_DISK},
	{0x13, 0x0300, 0xFF00, "write sectors", ADVICE_DISK},
	{0x13, 0x0800, 0xFF00, "disk parameters", ADVICE_DISK},
	{0x13, 0x4100, 0xFF00, "disk extensions", ADVICE_DISK},
	{0x13, 0x4200, 0xFF00, "read sectors", ADVICE_DISK},
	{0x13, 0x4300, 0xFF00, "write sectors", ADVICE_DISK},
	{0x13, 0x4800, 0xFF00, "disk parameters", ADVICE_DISK},
	{0x15, 0x2400, 0xFF00, "gate A20", "A20 is open"},
	{0x15, 0x5300, 0xFF00, "power management", ADVICE_END},
	{0x15, 0x8600, 0xFF00, "wait", ADVICE_TIME},
	{0x15, 0x8700, 0xFF00, "copy extended memory", ADVICE_OTHER},
	{0x15, 0x8800, 0xFF00, "extended memory size", ADVICE_MEMORY},
	{0x15, 0xC000, 0xFF00, "configuration", ADVICE_OTHER},
	{0x15, 0xC100, 0xFF00, "where is the EBDA", "its segment is at 40Eh"},
	{0x15, 0xE801, 0xFFFF, "memory size", ADVICE_MEMORY},
	{0x15, 0xE820, 0xFFFF, "memory map", ADVICE_MEMORY},
	{0x15, 0xE881, 0xFFFF, "memory size", ADVICE_MEMORY},
	{0x16, 0x0000, 0xFF00, "read a key", ADVICE_INPUT},
	{0x16, 0x0100, 0xFF00, "is there a key", ADVICE_INPUT},
	{0x16, 0x1000, 0xFF00, "read a key", ADVICE_INPUT},
	{0x16, 0x1100, 0xFF00, "is there a key", ADVICE_INPUT},
	{0x1A, 0x0000, 0xFF00, "read the ticks", ADVICE_TIME},
	{0x1A, 0x0200, 0xFF00, "read the clock", ADVICE_TIME},
	{0x1A, 0x0400, 0xFF00, "read the date", ADVICE_TIME},
	{0x1A, 0xB100, 0xFF00, "PCI", "there is no PCI"},
};

/* SDM Vol. 3A table 6-1, and the interrupts that a PC's BIOS has there. */
static const char *const exceptions[] = {
	"#DE",		 "#DB",		  "NMI",	   "#BP",	    "#OF",
	"#BR",		 "#UD",		  "#NM",	   "#DF, or IRQ 0", "IRQ 1",
	"#TS, or IRQ 2", "#NP, or IRQ 3", "#SS, or IRQ 4", "#GP, or IRQ 5", "#PF, or IRQ 6",
	"IRQ 7",	 "#MF",		  "#AC",	   "#MC",	    "#XM",
};

static const struct service *find_service(uint8_t vector)
{
	for (size_t i = 0; i < ARRAY_SIZE(services); i++)
		if (services[i].vector == vector)
			return &services[i];
	return NULL;
}

static const struct function *find_function(uint8_t vector, uint16_t ax)
{
	for (size_t i = 0; i < ARRAY_SIZE(functions); i++)
		if (functions[i].vector == vector && functions[i].ax == (ax & functions[i].mask))
			return &functions[i];
	return NULL;
}

static int describe_call(char *text, size_t size, const struct bios_event *e)
{
	const struct service *service = find_service(e->vector);
	const struct function *function = find_function(e->vector, e->ax);
	const char *advice = function ? function->advice : service ? service->advice : ADVICE_OTHER;

	return format(text, size,
		      "it called BIOS INT %02Xh AX=%04Xh (%s%s%s) in real mode, to go on at "
		      "%04X:%04X, and there is no BIOS here: %s",
		      e->vector, e->ax, service ? service->name : "not known", function ? ": " : "",
		      function ? function->name : "", e->cs, e->ip, advice);
}

static int describe_event(char *text, size_t size, const struct bios_event *e)
{
	char name[24] = "";

	if (e->vector < ARRAY_SIZE(exceptions))
		return format(text, size,
			      "exception %u (%s) in real mode at %04X:%04X, and its interrupt "
			      "vector table has no handler of its own for it",
			      e->vector, exceptions[e->vector], e->cs, e->ip);
	if (e->vector >= 0x70 && e->vector < 0x78)
		format(name, sizeof(name), " (IRQ %u)", e->vector - 0x70 + 8);
	return format(text, size,
		      "interrupt %02Xh%s in real mode at %04X:%04X, and its interrupt vector "
		      "table has no handler of its own for it",
		      e->vector, name, e->cs, e->ip);
}

int bios_describe(char *text, size_t size, const struct bios_event *event)
{
	/* no exception is there: a far CALL by the table, as handlers chain */
	bool reserved = event->vector >= ARRAY_SIZE(exceptions) && event->vector < 32;

	if (event->instruction || reserved)
		return describe_call(text, size, event);
	return describe_event(text, size, event);
}
