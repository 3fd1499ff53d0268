#include <stddef.h>

#include "boot/cpu.h"
#include "boot/fault.h"
#include "boot/layout.h"
#include "boot/power.h"
#include "boot/stop.h"
#include "boot/trap_frame.h"
#include "lib/console.h"
#include "lib/panic.h"
#include "lib/symbols.h"
#include "lib/x86.h"

#define BACKTRACE_MAX 32

static const char *const exception_name[32] = {
	[0] = "#DE divide error",
	[1] = "#DB debug exception",
	[3] = "#BP breakpoint",
	[4] = "#OF overflow",
	[5] = "#BR BOUND range exceeded",
	[6] = "#UD invalid opcode",
	[7] = "#NM device not available",
	[8] = "#DF double fault",
	[10] = "#TS invalid TSS",
	[11] = "#NP segment not present",
	[12] = "#SS stack-segment fault",
	[13] = "#GP general protection",
	[14] = "#PF page fault",
	[16] = "#MF x87 floating-point error",
	[17] = "#AC alignment check",
	[18] = "#MC machine check",
	[19] = "#XM SIMD floating-point error",
	[20] = "#VE virtualization exception",
	[21] = "#CP control protection",
};

static void print_address(uint64_t address)
{
	uint64_t offset = 0;
	const char *name = symbol_find(address, &offset);

	if (name)
		print("  0x%016lx %s+0x%lx\n", address, name, offset);
	else
		print("  0x%016lx\n", address);
}

/* Whether a frame, the saved RBP and the return address, lies wholly below a stack's end. */
static bool frame_fits(uint64_t rbp, uint64_t end)
{
	return rbp % 8 == 0 && rbp < end && end - rbp >= 16;
}

static void print_backtrace(uint64_t rip, uint64_t rbp)
{
	uint64_t end = cpu_stack_end(rbp);

	print("backtrace:\n");
	print_address(rip);
	for (int depth = 0; depth < BACKTRACE_MAX && frame_fits(rbp, end); depth++) {
		const uint64_t *frame = (const uint64_t *)rbp;

		if (!frame[1])
			break;
		/* the call is before its return address, and may end its function */
		print_address(frame[1] - 1);
		if (frame[0] <= rbp)
			break;
		rbp = frame[0];
	}
}

/* Written at boot. */
static void (*print_also)(void);

void fault_print_also(void (*print_more)(void))
{
	print_also = print_more;
}

static _Noreturn void end(void)
{
	if (print_also)
		print_also();
	power_panic();
}

static void print_register_line(const char *a, uint64_t va, const char *b, uint64_t vb,
				const char *c, uint64_t vc)
{
	print("  %-6s %016lx  %-6s %016lx  %-6s %016lx\n", a, va, b, vb, c, vc);
}

/*
 * From now on nothing waits for its turn on the console. A fault while one is reported must not
 * start over for ever.
 */
static void stop_if_reporting(void)
{
	static bool reporting;

	stop_other_cpus();
	console_set_sink(NULL);
	if (reporting) {
		print("\nanother fault while this one was reported\n");
		power_panic();
	}
	reporting = true;
	print("\n");
}

void fault_report(const struct trap_frame *frame)
{
	const char *name = frame->vector < 32 ? exception_name[frame->vector] : NULL;

	stop_if_reporting();
	log_error("fault in the hypervisor on CPU %u: %s, error code 0x%lx", this_cpu()->id,
		  name ? name : "reserved exception", frame->error_code);
	if (frame->vector == VECTOR_NM)
		log_error("a vector or x87 instruction ran outside a host section (CR0.TS is the "
			  "tripwire): fix the code at RIP");
	if (frame->vector == VECTOR_PF && read_cr2() < PAGE_SIZE)
		log_error("a null pointer was used");
	print_register_line("RIP", frame->rip, "RSP", frame->rsp, "RFLAGS", frame->rflags);
	print_register_line("RAX", frame->rax, "RBX", frame->rbx, "RCX", frame->rcx);
	print_register_line("RDX", frame->rdx, "RSI", frame->rsi, "RDI", frame->rdi);
	print_register_line("RBP", frame->rbp, "R8", frame->r8, "R9", frame->r9);
	print_register_line("R10", frame->r10, "R11", frame->r11, "R12", frame->r12);
	print_register_line("R13", frame->r13, "R14", frame->r14, "R15", frame->r15);
	print_register_line("CR0", read_cr0(), "CR2", read_cr2(), "CR3", read_cr3());
	print_register_line("CR4", read_cr4(), "CS", frame->cs, "SS", frame->ss);
	print_backtrace(frame->rip, frame->rbp);
	end();
}

static void report_panic(const char *text, uint64_t rip, uint64_t rbp)
{
	stop_if_reporting();
	log_error("the hypervisor stops: %s", text);
	print_backtrace(rip, rbp);
	end();
}

void fault_init(void)
{
	panic_set_reporter(report_panic);
}
