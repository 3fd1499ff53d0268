/*
 * By number: 16 bytes apart in the page (SDM Vol. 3A table 10-1), one MSR each in x2APIC mode
 * (table 10-6).
 */
#include "vmm/chip/lapic_registers.h"

#include "lib/errno.h"
#include "vmm/chip/lapic_send.h"

enum lapic_register {
	REGISTER_ID = 0x02,
	REGISTER_VERSION = 0x03,
	REGISTER_TPR = LAPIC_OFFSET_TPR >> 4,
	REGISTER_APR = 0x09,
	REGISTER_PPR = 0x0a,
	REGISTER_EOI = LAPIC_OFFSET_EOI >> 4,
	REGISTER_REMOTE_READ = 0x0c,
	REGISTER_LDR = 0x0d,
	REGISTER_DFR = 0x0e,
	REGISTER_SVR = 0x0f,
	REGISTER_ISR = 0x10,
	REGISTER_TMR = 0x18,
	REGISTER_IRR = 0x20,
	REGISTER_ESR = 0x28,
	REGISTER_LVT_CMCI = 0x2f,
	REGISTER_ICR = 0x30,
	REGISTER_ICR_HIGH = 0x31,
	REGISTER_LVT_TIMER = 0x32,
	REGISTER_LVT_THERMAL = 0x33,
	REGISTER_LVT_PERFORMANCE = 0x34,
	REGISTER_LVT_LINT0 = 0x35,
	REGISTER_LVT_LINT1 = 0x36,
	REGISTER_LVT_ERROR = 0x37,
	REGISTER_INITIAL_COUNT = 0x38,
	REGISTER_CURRENT_COUNT = 0x39,
	REGISTER_DIVIDE = 0x3e,
	REGISTER_SELF_IPI = 0x3f,
	REGISTERS = 0x40,
};

/* 7 local vectors, EOI broadcasts can be suppressed; of 10h to 15h what software knows best */
#define VERSION ((LAPIC_LOCAL_VECTORS - 1) << 16 | 1 << 24 | 0x14)

#define ICR_WRITABLE  0x000ccfff
#define LVT_READ_ONLY 0x5000 /* delivery status, remote IRR */

/* How it can be accessed */
#define IN_PAGE 1
#define RDMSR	2
#define WRMSR	4

/* The bits are those that are not reserved, of a write. Focus checking (SVR bit 9) is harmless. */
static const struct {
	uint64_t bits;
	uint8_t access;
} registers[REGISTERS] = {
	[REGISTER_ID] = {0, IN_PAGE | RDMSR},
	[REGISTER_VERSION] = {0, IN_PAGE | RDMSR},
	[REGISTER_TPR] = {0xff, IN_PAGE | RDMSR | WRMSR},
	[REGISTER_APR] = {0, IN_PAGE},
	[REGISTER_PPR] = {0, IN_PAGE | RDMSR},
	[REGISTER_EOI] = {0, IN_PAGE | WRMSR},
	[REGISTER_REMOTE_READ] = {0, IN_PAGE},
	[REGISTER_LDR] = {0xff000000, IN_PAGE | RDMSR},
	[REGISTER_DFR] = {0xf0000000, IN_PAGE},
	[REGISTER_SVR] = {0x13ff, IN_PAGE | RDMSR | WRMSR},
	[REGISTER_ISR... REGISTER_ESR - 1] = {0, IN_PAGE | RDMSR},
	[REGISTER_ESR] = {0, IN_PAGE | RDMSR | WRMSR},
	[REGISTER_LVT_CMCI] = {0x117ff, IN_PAGE | RDMSR | WRMSR},
	[REGISTER_ICR] = {0xffffffff00000000 | ICR_WRITABLE | 0x1000, IN_PAGE | RDMSR | WRMSR},
	[REGISTER_ICR_HIGH] = {0xff000000, IN_PAGE},
	[REGISTER_LVT_TIMER] = {0x710ff, IN_PAGE | RDMSR | WRMSR},
	[REGISTER_LVT_THERMAL] = {0x117ff, IN_PAGE | RDMSR | WRMSR},
	[REGISTER_LVT_PERFORMANCE] = {0x117ff, IN_PAGE | RDMSR | WRMSR},
	[REGISTER_LVT_LINT0] = {0x1f7ff, IN_PAGE | RDMSR | WRMSR},
	[REGISTER_LVT_LINT1] = {0x1f7ff, IN_PAGE | RDMSR | WRMSR},
	[REGISTER_LVT_ERROR] = {0x110ff, IN_PAGE | RDMSR | WRMSR},
	[REGISTER_INITIAL_COUNT] = {UINT32_MAX, IN_PAGE | RDMSR | WRMSR},
	[REGISTER_CURRENT_COUNT] = {0, IN_PAGE | RDMSR},
	[REGISTER_DIVIDE] = {0x0b, IN_PAGE | RDMSR | WRMSR},
	[REGISTER_SELF_IPI] = {0xff, WRMSR},
};

static unsigned int local_vector(unsigned int number)
{
	return number == REGISTER_LVT_CMCI ? LAPIC_CMCI : number - REGISTER_LVT_TIMER;
}

static uint32_t read_register(struct lapic *lapic, const struct rate *rate, unsigned int number,
			      uint64_t now)
{
	bool x2apic = lapic_is_x2apic(lapic);

	switch (number) {
	case REGISTER_ID:
		return x2apic ? lapic->id : lapic->id << 24;
	case REGISTER_VERSION:
		return VERSION;
	case REGISTER_TPR:
		return lapic->tpr;
	case REGISTER_PPR:
		return lapic->ppr;
	case REGISTER_LDR:
		return x2apic ? lapic_logical_id(lapic) : lapic->ldr;
	case REGISTER_DFR:
		return lapic->dfr;
	case REGISTER_SVR:
		return lapic->svr;
	case REGISTER_ISR ... REGISTER_TMR - 1:
		return lapic_service_word(&lapic->isr, number - REGISTER_ISR);
	case REGISTER_TMR ... REGISTER_IRR - 1:
		return lapic->tmr[number - REGISTER_TMR];
	case REGISTER_IRR ... REGISTER_ESR - 1:
		lapic_poll(lapic, rate, now);
		return lapic->irr.word[number - REGISTER_IRR];
	case REGISTER_ESR:
		return lapic->esr;
	case REGISTER_LVT_CMCI:
	case REGISTER_LVT_TIMER ... REGISTER_LVT_ERROR:
		return lapic->lvt[local_vector(number)];
	case REGISTER_ICR:
		return lapic->icr_low;
	case REGISTER_ICR_HIGH:
		return lapic->icr_high;
	case REGISTER_INITIAL_COUNT:
		return lapic->timer.initial;
	case REGISTER_CURRENT_COUNT:
		lapic_poll(lapic, rate, now);
		return lapic_timer_count(&lapic->timer, rate, now);
	case REGISTER_DIVIDE:
		return lapic->timer.divide;
	default: /* nothing in them, or write-only */
		return 0;
	}
}

/* Software-disabled, all local vectors are masked, and stay so. */
static void write_svr(struct lapic *lapic, uint32_t value)
{
	lapic->svr = value;
	if (value & LAPIC_SVR_ENABLED)
		return;
	for (unsigned int i = 0; i < LAPIC_LOCAL_VECTORS; i++)
		lapic->lvt[i] |= LAPIC_LVT_MASKED;
}

static void write_local_vector(struct lapic *lapic, const struct rate *rate, unsigned int entry,
			       uint32_t value, uint64_t now)
{
	uint32_t *lvt = &lapic->lvt[entry];
	uint32_t remote_irr = value & LAPIC_LVT_LEVEL ? *lvt & LAPIC_LVT_REMOTE_IRR : 0;

	value &= ~LVT_READ_ONLY;
	if (!(lapic->svr & LAPIC_SVR_ENABLED))
		value |= LAPIC_LVT_MASKED;
	*lvt = value | remote_irr;
	if (entry == LAPIC_TIMER)
		lapic_timer_set_mode(&lapic->timer, rate, value >> 17, now);
	else if (entry == LAPIC_LINT0 || entry == LAPIC_LINT1)
		lapic_look_at_lint(lapic, entry - LAPIC_LINT0);
}

/* The others. What has expired before must not see it. */
__attribute__((noinline)) static void write_register(struct lapic *lapic, const struct rate *rate,
						     unsigned int number, uint32_t value,
						     uint64_t now)
{
	lapic_poll(lapic, rate, now);
	value &= registers[number].bits;
	switch (number) {
	case REGISTER_ICR_HIGH:
		lapic->icr_high = value;
		break;
	case REGISTER_LDR:
		lapic->ldr = value;
		break;
	case REGISTER_DFR:
		lapic->dfr = value | 0x0fffffff;
		break;
	case REGISTER_SVR:
		write_svr(lapic, value);
		break;
	case REGISTER_ESR:
		lapic->esr = lapic->errors;
		lapic->errors = 0;
		break;
	case REGISTER_LVT_CMCI:
	case REGISTER_LVT_TIMER ... REGISTER_LVT_ERROR:
		write_local_vector(lapic, rate, local_vector(number), value, now);
		break;
	case REGISTER_INITIAL_COUNT:
		lapic_timer_set_initial(&lapic->timer, rate, value, now);
		break;
	case REGISTER_DIVIDE:
		lapic_timer_set_divide(&lapic->timer, rate, value, now);
		break;
	}
}

/* What is no register, in the page. */
static bool in_page(struct lapic *lapic, uint32_t offset)
{
	if (offset < REGISTERS << 4 && registers[offset >> 4].access & IN_PAGE)
		return true;
	lapic_error(lapic, LAPIC_ILLEGAL_REGISTER);
	return false;
}

uint32_t lapic_read(struct lapic *lapic, const struct rate *rate, uint32_t offset, uint64_t now)
{
	if (offset % 16 || !in_page(lapic, offset))
		return 0;
	return read_register(lapic, rate, offset >> 4, now);
}

/* What is written all the time goes the short way. */
void lapic_write(struct lapic *lapic, const struct rate *rate, uint32_t offset, uint32_t value,
		 uint64_t now)
{
	if (offset == LAPIC_OFFSET_EOI) {
		lapic_eoi(lapic);
	} else if (offset == LAPIC_OFFSET_TPR) {
		lapic_set_tpr(lapic, value);
	} else if (offset == REGISTER_ICR << 4) {
		lapic->icr_low = value & ICR_WRITABLE;
		lapic_send(lapic);
	} else if (offset % 16 == 0 && in_page(lapic, offset)) {
		write_register(lapic, rate, offset >> 4, value, now);
	}
}

static bool has_msr(const struct lapic *lapic, uint32_t number, uint8_t access)
{
	return lapic_is_x2apic(lapic) && number < REGISTERS && registers[number].access & access;
}

int lapic_read_msr(struct lapic *lapic, const struct rate *rate, uint32_t msr, uint64_t *value,
		   uint64_t now)
{
	uint32_t number = msr - LAPIC_FIRST_MSR;

	if (!has_msr(lapic, number, RDMSR))
		return -EINVAL;
	*value = read_register(lapic, rate, number, now);
	if (number == REGISTER_ICR)
		*value |= (uint64_t)lapic->icr_high << 32;
	return 0;
}

__attribute__((noinline)) static int write_msr(struct lapic *lapic, const struct rate *rate,
					       uint32_t number, uint64_t value, uint64_t now)
{
	if (!has_msr(lapic, number, WRMSR) || value & ~registers[number].bits)
		return -EINVAL;
	if (number == REGISTER_ICR) {
		lapic->icr_high = value >> 32;
		lapic->icr_low = value & ICR_WRITABLE;
		lapic_send(lapic);
	} else {
		write_register(lapic, rate, number, value, now);
	}
	return 0;
}

int lapic_write_msr(struct lapic *lapic, const struct rate *rate, uint32_t msr, uint64_t value,
		    uint64_t now)
{
	uint32_t number = msr - LAPIC_FIRST_MSR;

	if (!lapic_is_x2apic(lapic))
		return -EINVAL;
	if (number == REGISTER_EOI && !value)
		lapic_eoi(lapic);
	else if (number == REGISTER_SELF_IPI && value <= 0xff)
		lapic_send_to_self(lapic, value);
	else if (number == REGISTER_TPR && value <= 0xff)
		lapic_set_tpr(lapic, value);
	else
		return write_msr(lapic, rate, number, value, now);
	return 0;
}
