#include "vmm/chip/lapic.h"

#include "lib/errno.h"

#define BASE_RESERVED 0x2ff

/* The registers but IA32_APIC_BASE and TPR, as after power-up. */
static void clear(struct lapic *lapic)
{
	lapic->irr = (struct lapic_vectors){.highest = 0};
	lapic->isr = (struct lapic_service){.top = 0};
	for (unsigned int i = 0; i < LAPIC_VECTOR_WORDS; i++)
		lapic->tmr[i] = 0;
	for (unsigned int i = 0; i < LAPIC_LOCAL_VECTORS; i++)
		lapic->lvt[i] = LAPIC_LVT_MASKED;
	lapic->svr = 0xff;
	lapic->dfr = UINT32_MAX;
	lapic->ldr = lapic->icr_low = lapic->icr_high = 0;
	lapic->errors = lapic->esr = 0;
	lapic_timer_reset(&lapic->timer);
	lapic_update_ppr(lapic);
}

void lapic_reset(struct lapic *lapic, uint32_t id, bool bootstrap)
{
	*lapic = (struct lapic){
		.base = LAPIC_PAGE | LAPIC_BASE_ENABLED | (bootstrap ? LAPIC_BASE_BOOTSTRAP : 0),
		.id = id,
	};
	clear(lapic);
}

void lapic_init_signal(struct lapic *lapic)
{
	lapic->signals &= ~(LAPIC_NMI | LAPIC_NMI_AGAIN | LAPIC_EXTINT | LAPIC_INIT);
	lapic->tpr = 0;
	clear(lapic);
}

void lapic_as_firmware_leaves_it(struct lapic *lapic)
{
	lapic->svr = LAPIC_SVR_ENABLED | 0x0f;
	lapic->lvt[LAPIC_LINT0] = APIC_EXTINT << 8;
	lapic->lvt[LAPIC_LINT1] = APIC_NMI << 8;
}

/* The transitions of 10.12.5. Where the APIC is switched off all is lost, but CR8 is the core's. */
int lapic_write_base(struct lapic *lapic, uint64_t value, unsigned int physical_bits,
		     bool x2apic_offered)
{
	bool on = value & LAPIC_BASE_ENABLED;
	bool x2apic = value & LAPIC_BASE_X2APIC;

	if (value & BASE_RESERVED || value >> physical_bits)
		return -EINVAL;
	if (x2apic && (!on || !x2apic_offered || !lapic_is_on(lapic)))
		return -EINVAL;
	if (lapic_is_x2apic(lapic) && on && !x2apic)
		return -EINVAL;
	if (!on)
		clear(lapic);
	else if (x2apic && !lapic_is_x2apic(lapic))
		lapic->icr_high = 0;
	lapic->base = value;
	return 0;
}

void lapic_error(struct lapic *lapic, uint8_t error)
{
	uint32_t lvt = lapic->lvt[LAPIC_ERROR];

	if (lapic->errors & error)
		return;
	lapic->errors |= error;
	if (lvt & LAPIC_LVT_MASKED)
		return;
	if ((uint8_t)lvt < LAPIC_FIRST_VECTOR)
		lapic->errors |= LAPIC_RECEIVE_ILLEGAL_VECTOR;
	else
		lapic_request_edge(lapic, lvt);
}

void lapic_request_edge(struct lapic *lapic, uint8_t vector)
{
	if (vector < LAPIC_FIRST_VECTOR) {
		lapic_error(lapic, LAPIC_RECEIVE_ILLEGAL_VECTOR);
		return;
	}
	lapic->tmr[vector / 32] &= ~lapic_vector_bit(vector);
	lapic_vectors_add(&lapic->irr, vector);
}

/* False: the vector is illegal. */
static bool request_level(struct lapic *lapic, uint8_t vector)
{
	if (vector < LAPIC_FIRST_VECTOR) {
		lapic_error(lapic, LAPIC_RECEIVE_ILLEGAL_VECTOR);
		return false;
	}
	lapic->tmr[vector / 32] |= lapic_vector_bit(vector);
	lapic_vectors_add(&lapic->irr, vector);
	return true;
}

void lapic_poll(struct lapic *lapic, const struct rate *rate, uint64_t now)
{
	uint32_t lvt = lapic->lvt[LAPIC_TIMER];

	if (lapic_timer_poll(&lapic->timer, rate, now) && !(lvt & LAPIC_LVT_MASKED))
		lapic_request_edge(lapic, lvt);
}

uint64_t lapic_read_tsc_deadline(const struct lapic *lapic, uint64_t now)
{
	return now < lapic->timer.deadline ? lapic->timer.tsc_deadline : 0;
}

void lapic_write_tsc_deadline(struct lapic *lapic, const struct rate *rate, uint64_t value,
			      uint64_t now)
{
	lapic_poll(lapic, rate, now);
	lapic_timer_set_tsc_deadline(&lapic->timer, value, now);
	lapic_poll(lapic, rate, now);
}

void lapic_set_tsc_offset(struct lapic *lapic, int64_t offset, uint64_t now)
{
	lapic_timer_set_tsc_offset(&lapic->timer, offset, now);
}

static void signal_nmi(struct lapic *lapic)
{
	lapic->signals |= lapic->signals & LAPIC_NMI ? LAPIC_NMI_AGAIN : LAPIC_NMI;
}

/* A start-up that came before it is void. */
static void signal_init(struct lapic *lapic)
{
	lapic->signals = (lapic->signals & ~LAPIC_STARTUP) | LAPIC_INIT;
}

/* In xAPIC mode an ID has 8 bits. All ones in as many bits as the sender has: everybody. */
bool lapic_is_destination(const struct lapic *lapic, const struct apic_message *message)
{
	uint32_t everybody = message->x2apic ? UINT32_MAX : UINT8_MAX;
	uint32_t destination = message->destination;
	uint32_t id;

	if (!lapic_is_on(lapic))
		return false;
	if (destination == everybody)
		return true;
	if (!message->logical)
		return destination == (lapic_is_x2apic(lapic) ? lapic->id : (uint8_t)lapic->id);
	id = lapic_logical_id(lapic);
	if (lapic_is_x2apic(lapic))
		return destination >> 16 == id >> 16 && (uint16_t)(destination & id);
	if (destination > UINT8_MAX)
		return false;
	switch (lapic->dfr >> 28) {
	case 0xf: /* flat */
		return destination & id;
	case 0: /* clusters */
		return destination >> 4 == id >> 4 && destination & id & 0xf;
	default:
		return false;
	}
}

void lapic_accept(struct lapic *lapic, const struct apic_message *message)
{
	if (!lapic_is_on(lapic))
		return;
	switch (message->delivery) {
	case APIC_FIXED:
	case APIC_LOWEST_PRIORITY:
		if (!lapic_is_enabled(lapic))
			break;
		if (message->level_triggered)
			request_level(lapic, message->vector);
		else
			lapic_request_edge(lapic, message->vector);
		break;
	case APIC_NMI:
		signal_nmi(lapic);
		break;
	case APIC_INIT:
		signal_init(lapic);
		break;
	case APIC_STARTUP:
		lapic->startup_vector = message->vector;
		lapic->signals |= LAPIC_STARTUP;
		break;
	case APIC_EXTINT:
		if (lapic_is_enabled(lapic))
			lapic->signals |= LAPIC_EXTINT;
		break;
	case APIC_SMI: /* there is no SMM */
	case APIC_REMOTE_READ:
		break;
	}
}

static bool asserted(const struct lapic *lapic, unsigned int pin)
{
	return (lapic->lint >> pin & 1) != !!(lapic->lvt[LAPIC_LINT0 + pin] & LAPIC_LVT_ACTIVE_LOW);
}

void lapic_look_at_lint(struct lapic *lapic, unsigned int pin)
{
	uint32_t *lvt = &lapic->lvt[LAPIC_LINT0 + pin];

	if (*lvt & (LAPIC_LVT_MASKED | LAPIC_LVT_REMOTE_IRR) || !(*lvt & LAPIC_LVT_LEVEL) ||
	    LAPIC_LVT_DELIVERY(*lvt) != APIC_FIXED || !asserted(lapic, pin))
		return;
	if (request_level(lapic, *lvt))
		*lvt |= LAPIC_LVT_REMOTE_IRR;
}

/* The pin has become active. */
static void lint_edge(struct lapic *lapic, unsigned int pin)
{
	uint32_t lvt = lapic->lvt[LAPIC_LINT0 + pin];

	if (lvt & LAPIC_LVT_MASKED)
		return;
	if (LAPIC_LVT_DELIVERY(lvt) == APIC_NMI)
		signal_nmi(lapic);
	else if (LAPIC_LVT_DELIVERY(lvt) == APIC_INIT)
		signal_init(lapic);
	else if (LAPIC_LVT_DELIVERY(lvt) == APIC_FIXED && !(lvt & LAPIC_LVT_LEVEL))
		lapic_request_edge(lapic, lvt);
}

/* Where the APIC is off, LINT1 is the core's NMI. */
void lapic_set_lint(struct lapic *lapic, unsigned int pin, bool high)
{
	uint8_t before = lapic->lint;

	lapic->lint = (before & ~(1u << pin)) | (uint8_t)high << pin;
	if (lapic->lint == before)
		return;
	if (!lapic_is_on(lapic)) {
		if (pin == 1 && high)
			signal_nmi(lapic);
		return;
	}
	if (asserted(lapic, pin))
		lint_edge(lapic, pin);
	lapic_look_at_lint(lapic, pin);
}

int lapic_take(struct lapic *lapic)
{
	int vector = lapic_highest(lapic);

	if (vector < 0)
		return -1;
	lapic_vectors_remove(&lapic->irr, vector);
	lapic_service_push(&lapic->isr, vector);
	lapic_update_ppr(lapic);
	return vector;
}

__attribute__((noinline)) static void end_of_level(struct lapic *lapic, uint8_t vector)
{
	if (!(lapic->svr & LAPIC_SVR_NO_EOI_BROADCAST)) {
		lapic->eoi_vector = vector;
		lapic->signals |= LAPIC_HAS_EOI;
	}
	for (unsigned int pin = 0; pin < 2; pin++) {
		uint32_t *lvt = &lapic->lvt[LAPIC_LINT0 + pin];

		if (!(*lvt & LAPIC_LVT_REMOTE_IRR) || (uint8_t)*lvt != vector)
			continue;
		*lvt &= ~LAPIC_LVT_REMOTE_IRR;
		lapic_look_at_lint(lapic, pin);
	}
}

void lapic_eoi(struct lapic *lapic)
{
	uint8_t vector = lapic_served(&lapic->isr);

	if (!vector)
		return;
	lapic_service_pop(&lapic->isr);
	lapic_update_ppr(lapic);
	if (lapic->tmr[vector / 32] >> vector % 32 & 1)
		end_of_level(lapic, vector);
}

bool lapic_next_eoi(struct lapic *lapic, uint8_t *vector)
{
	if (!(lapic->signals & LAPIC_HAS_EOI))
		return false;
	lapic->signals &= ~LAPIC_HAS_EOI;
	*vector = lapic->eoi_vector;
	return true;
}

void lapic_set_tpr(struct lapic *lapic, uint8_t tpr)
{
	lapic->tpr = tpr;
	lapic_update_ppr(lapic);
}
