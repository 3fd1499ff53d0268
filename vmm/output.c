#include <stddef.h>

#include "boot/clock.h"
#include "lib/console.h"
#include "lib/line_ring.h"
#include "lib/x86.h"
#include "vmm/output.h"
#include "vmm/pcpu.h"
#include "vmm/vm.h"

/* A UART at 115200 baud empties its FIFO of 16 characters in this time. */
#define PERIOD_US 1389
#define SEND_US	  (PERIOD_US / 8)
#define PIECE	  16	 /* characters between two looks at the time */
#define STUCK_US  200000 /* no UART at work takes so long for a character */

_Static_assert(CONSOLE_LINE_MAX <= LINE_RING_LINE, "every line fits");

/* By the CPU that runs the guests. */
struct line_ring output_own;
uint64_t output_due_at = OUTPUT_NEVER, output_period;
static struct line_ring *sending;   /* whose first line has begun to go out, or NULL */
static struct vm *sending_vm;	    /* whose ring that is, or NULL */
static size_t sending_length, sent; /* of that line */
static uint64_t moved;		    /* when something was sent last, or began to wait */
static bool in_use;
static uint64_t budget, stuck; /* the times above in ticks of the TSC */

static struct line_ring *ring_of(struct vm *vm)
{
	return vm ? &vm->output : &output_own;
}

/* Chooses the ring with the oldest line; false if all are empty. */
static bool choose(void)
{
	uint64_t oldest = UINT64_MAX;

	sending = NULL;
	for (uint32_t i = 0; i <= vms_count(); i++) {
		struct vm *vm = i < vms_count() ? vm_at(i) : NULL;
		struct line_ring *ring = ring_of(vm);

		if (line_ring_empty(ring) || line_ring_stamp(ring) >= oldest)
			continue;
		oldest = line_ring_stamp(ring);
		sending = ring;
		sending_vm = vm;
	}
	if (!sending)
		return false;
	sending_length = line_ring_length(sending);
	sent = 0;
	return true;
}

/* Sends a piece of a line that has been chosen; false if the devices did not take all of it. */
static bool send_piece(uint64_t now)
{
	size_t size, done;
	const char *text = line_ring_text(sending, sent, sending_length, &size);

	size = size < PIECE ? size : PIECE;
	done = console_send(text, size);
	if (done)
		moved = now;
	else if (now - moved > stuck)
		console_give_up();
	sent += done;
	if (sent == sending_length) {
		line_ring_drop(sending);
		sending = NULL;
	}
	return done == size;
}

/* Waits until the line that has been chosen has gone out. */
static void finish_line(void)
{
	while (sending)
		send_piece(rdtsc());
}

/* What log_line(), record() and print() write. */
static void keep(const char *text, size_t length)
{
	struct vm *vm = this_pcpu()->output;
	struct line_ring *ring = ring_of(vm);
	bool first = output_due_at == OUTPUT_NEVER;

	if (in_use) { /* a machine check in the middle */
		console_write(text, length);
		return;
	}
	in_use = true;
	/* never of a VM's ring, as long as it waits for OUTPUT_RESERVE */
	while (!line_ring_put(ring, rdtsc(), text, length))
		if (sending || choose())
			finish_line();
	in_use = false;
	if (first)
		output_due_at = moved = rdtsc();
	if (!vm)
		return;
	/* a line takes as long as many exits, so the loop looks at the time in any case */
	vcpu_request(vm->vcpu[0], first || !output_has_room(vm) ? VCPU_OUTPUT : 0);
}

void output_start(void)
{
	output_period = clock_us_to_tsc(PERIOD_US);
	budget = clock_us_to_tsc(SEND_US);
	stuck = clock_us_to_tsc(STUCK_US);
	console_set_sink(keep);
}

void output_end(void)
{
	while (sending || choose())
		finish_line();
	while (console_show())
		;
	output_due_at = OUTPUT_NEVER;
	console_set_sink(NULL);
}

void output_print_waiting(void)
{
	sending = NULL; /* a line that was broken off is printed again */
	while (choose()) {
		size_t size;

		for (size_t done = 0; done < sending_length; done += size) {
			const char *text = line_ring_text(sending, done, sending_length, &size);

			console_write(text, size);
		}
		line_ring_drop(sending);
	}
}

static void charge(struct vm *vm, uint64_t ticks)
{
	if (!vm)
		return;
	vm->debt += ticks;
	vm->vcpu[0]->ran += ticks;
}

bool output_send(void)
{
	uint64_t last = rdtsc(), now = last, end = now + budget;
	bool text = true, picture = true, taken = true;

	in_use = true;
	while ((text || picture) && now < end) {
		struct vm *vm;

		text = taken && (sending || choose());
		vm = sending_vm; /* of a picture: of the last line in it */
		if (text)
			taken = send_piece(now);
		picture = console_show();
		now = rdtsc();
		charge(vm, now - last);
		last = now;
	}
	output_due_at = picture || sending || choose() ? now + output_period : OUTPUT_NEVER;
	in_use = false;
	charge(sending_vm, rdtsc() - last);
	return text || picture;
}
