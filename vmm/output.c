#include <stddef.h>

#include "boot/clock.h"
#include "lib/console.h"
#include "lib/line_ring.h"
#include "lib/lock.h"
#include "lib/x86.h"
#include "vmm/foot.h"
#include "vmm/output.h"
#include "vmm/pcpu.h"
#include "vmm/request.h"
#include "vmm/vm.h"

/* A UART at 115200 baud empties its FIFO of 16 characters in this time. */
#define PERIOD_US 1389
#define SEND_US	  (PERIOD_US / 8)
#define PIECE	  16	 /* characters between two looks at the time */
#define STUCK_US  200000 /* no UART at work takes so long for a character */
#define FOOT_US	  100000 /* the foot waits for lines no longer: somebody types, and looks at it */

_Static_assert(CONSOLE_LINE_MAX <= LINE_RING_LINE, "every line fits");

struct line_ring output_own;
volatile uint64_t output_due_at = OUTPUT_NEVER;
uint64_t output_period;

/* Who has it sends: what follows is under it. A ring's own lock is taken inside. */
static struct spinlock sending_lock = {.rank = LOCK_CONSOLE};
static struct line_ring *sending;   /* whose first line has begun to go out, or NULL */
static struct vm *sending_vm;	    /* whose ring that is, or NULL */
static size_t sending_length, sent; /* of that line */
static bool waiting;		    /* there was more to send at the end of the last look */
static uint64_t moved;		    /* when something was sent last, or began to wait */
static uint64_t foot_seen;	    /* when the foot was seen last to be as it is set */

/* Written at boot. */
static uint64_t budget, stuck, foot_patience; /* the times above in ticks of the TSC */

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

		if (line_ring_empty(ring))
			continue;
		spin_lock(&ring->lock);
		if (line_ring_stamp(ring) < oldest) {
			oldest = line_ring_stamp(ring);
			sending_length = line_ring_length(ring);
			sending = ring;
			sending_vm = vm;
		}
		spin_unlock(&ring->lock);
	}
	sent = 0;
	return sending;
}

static void drop_line(void)
{
	spin_lock(&sending->lock);
	line_ring_drop(sending);
	spin_unlock(&sending->lock);
	sending = NULL;
}

/* The devices have taken so much, and not all that was offered. */
static void note_sent(size_t size, uint64_t now)
{
	if (size)
		moved = now;
	else if (now - moved > stuck)
		console_give_up();
}

/* Puts the foot on the screen, or takes it off; false if that is not done yet. */
static bool send_foot(bool hide, uint64_t now)
{
	size_t size = 0;
	bool done = foot_send(hide, &size);

	if (!done)
		note_sent(size, now);
	return done;
}

/* It goes between two lines then, though there are more. */
static bool foot_is_late(uint64_t now)
{
	if (!foot_waits())
		foot_seen = now;
	return now - foot_seen > foot_patience;
}

/* Sends a piece of a line that has been chosen; false if the devices did not take all of it. */
static bool send_piece(uint64_t now)
{
	size_t size, done;
	const char *text = line_ring_text(sending, sent, sending_length, &size);

	if (foot_is_shown() && !send_foot(true, now))
		return false;
	size = size < PIECE ? size : PIECE;
	done = console_send(text, size);
	note_sent(done, now);
	sent += done;
	if (sent == sending_length)
		drop_line();
	return done == size;
}

/* Waits until the line that has been chosen has gone out. */
static void finish_line(void)
{
	while (sending)
		send_piece(rdtsc());
}

/*
 * At once: a machine check has to be told of, and this CPU may be in the middle of something here,
 * or hold any lock. To wait for one could be for ever; a line that is torn is less.
 */
static void write_now(const char *text, size_t length)
{
	bool locked = this_pcpu()->cpu.lock_rank > LOCK_CONSOLE && spin_try(&sending_lock);

	console_write(text, length);
	if (locked)
		spin_unlock(&sending_lock);
}

static bool put(struct line_ring *ring, const char *text, size_t length)
{
	bool done;

	spin_lock(&ring->lock);
	done = line_ring_put(ring, rdtsc(), text, length);
	spin_unlock(&ring->lock);
	return done;
}

static void make_room(void)
{
	spin_lock(&sending_lock);
	if (sending || choose())
		finish_line();
	spin_unlock(&sending_lock);
}

/* There is something to send from now on; false: there was already. */
static bool begin_to_send(void)
{
	uint64_t never = OUTPUT_NEVER;

	return __atomic_compare_exchange_n(&output_due_at, &never, rdtsc(), false, __ATOMIC_SEQ_CST,
					   __ATOMIC_SEQ_CST);
}

/* What log_line(), record() and print() write. */
static void keep(const char *text, size_t length)
{
	struct pcpu *pcpu = this_pcpu();
	struct vm *vm = pcpu->output;
	struct line_ring *ring = ring_of(vm);
	struct vcpu *turn, *vcpu;
	bool first;

	if (pcpu->in_output || pcpu->cpu.in_check) {
		write_now(text, length);
		return;
	}
	pcpu->in_output = true;
	/* never of a VM's ring, as long as it waits for OUTPUT_RESERVE */
	while (!put(ring, text, length))
		make_room();
	pcpu->in_output = false;
	first = begin_to_send();
	if (!vm)
		return;
	/* a line takes as long as many exits, so the loop looks at the time in any case */
	turn = pcpu->turn;
	vcpu = turn && turn->vm == vm ? turn : vm->vcpu[0];
	vcpu_request(vcpu, first || !output_has_room(vm) ? VCPU_OUTPUT : 0);
}

void output_foot(const char *text)
{
	foot_set(text);
	begin_to_send();
}

void output_start(void)
{
	output_period = clock_us_to_tsc(PERIOD_US);
	budget = clock_us_to_tsc(SEND_US);
	stuck = clock_us_to_tsc(STUCK_US);
	foot_patience = clock_us_to_tsc(FOOT_US);
	console_set_sink(keep);
}

void output_end(void)
{
	spin_lock(&sending_lock);
	foot_set("");
	while (sending || choose())
		finish_line();
	while (foot_is_shown())
		send_foot(true, rdtsc());
	while (console_show())
		;
	output_due_at = OUTPUT_NEVER;
	console_set_sink(NULL);
	spin_unlock(&sending_lock);
}

/* A CPU that was stopped may hold any, and this one too. */
static void break_locks(void)
{
	this_pcpu()->cpu.lock_rank = LOCK_NONE;
	sending_lock.holder = 0;
	output_own.lock.holder = 0;
	for (uint32_t i = 0; i < vms_count(); i++)
		vm_at(i)->output.lock.holder = 0;
}

void output_print_waiting(void)
{
	break_locks();
	sending = NULL; /* a line that was broken off is printed again; others are stopped */
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
	vm_owes(vm, ticks);
	vcpu_charge(vm->vcpu[0], ticks);
}

/* As much as there is time for; whether there is more. */
static bool send(void)
{
	uint64_t last = rdtsc(), now = last, end = now + budget;
	bool text = true, picture = true, taken = true;

	if (!waiting)
		moved = now;
	while ((text || picture) && now < end) {
		struct vm *vm;

		text = taken && (sending || (!foot_is_late(now) && choose()));
		vm = sending_vm; /* of a picture: of the last line in it */
		if (text) {
			taken = send_piece(now);
		} else if (taken && foot_waits()) {
			text = taken = send_foot(false, now);
			vm = NULL;
		}
		picture = console_show();
		now = rdtsc();
		charge(vm, now - last);
		last = now;
	}
	/* a line that comes meanwhile finds NEVER, or is found here */
	__atomic_store_n(&output_due_at, OUTPUT_NEVER, __ATOMIC_SEQ_CST);
	waiting = picture || sending || choose() || foot_waits();
	if (waiting)
		output_due_at = now + output_period;
	charge(sending_vm, rdtsc() - last);
	return text || picture;
}

bool output_send(void)
{
	struct pcpu *pcpu = this_pcpu();
	bool more;

	if (!spin_try(&sending_lock)) /* another CPU does */
		return false;
	pcpu->in_output = true;
	more = send();
	pcpu->in_output = false;
	spin_unlock(&sending_lock);
	return more;
}
