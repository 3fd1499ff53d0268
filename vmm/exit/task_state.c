#include "vmm/exit/task_state.h"

#include "lib/string.h"
#include "lib/x86.h"
#include "vmx/vmcs_bits.h"

/* Access rights */
#define TYPE	     0xfu
#define S	     BIT(4)
#define P	     BIT(7)
#define G	     BIT(15)
#define DPL(rights)  ((rights) >> ACCESS_RIGHTS_DPL_SHIFT & 3)
#define RIGHTS_FIELD 0xf0ffu

/* Types: of code and data segments bits, of system segments numbers (SDM Vol. 3A tables 3-1, 3-2)
 */
#define TYPE_CODE		 BIT(3)
#define TYPE_CONFORMING		 BIT(2)
#define TYPE_EXECUTABLE_READABLE BIT(1)
#define TYPE_WRITABLE		 BIT(1)
#define TYPE_TSS_16		 1u
#define TYPE_LDT		 2u
#define TYPE_TSS_32		 9u
#define TYPE_TSS_BUSY		 2u

static const struct {
	uint8_t eip, eflags, registers, step, selectors, selector_step, ldt;
} layouts[] = {
	{0x0e, 0x10, 0x12, 2, 0x22, 2, 0x2a},
	{0x20, 0x24, 0x28, 4, 0x48, 4, 0x60},
};

#define CR3_OFFSET 0x1c
#define T_OFFSET   0x64

static uint32_t get(const uint8_t *at, unsigned int size)
{
	uint32_t value = 0;

	memcpy(&value, at, size);
	return value;
}

static void put(uint8_t *at, uint32_t value, unsigned int size)
{
	memcpy(at, &value, size);
}

/* A 16-bit TSS has the selectors from ES to DS. */
static unsigned int selectors_of(bool is_32bit)
{
	return is_32bit ? TASK_GS + 1 : TASK_DS + 1;
}

void task_state_read(struct task_state *state, const uint8_t *image, bool is_32bit)
{
	const uint8_t *selector = image + layouts[is_32bit].selectors;
	unsigned int size = layouts[is_32bit].step;

	*state = (struct task_state){
		.eip = get(image + layouts[is_32bit].eip, size),
		.eflags = get(image + layouts[is_32bit].eflags, size),
	};
	/* a 386 has ones where a 286's registers have no bits, and so has who followed it */
	for (unsigned int i = 0; i < 8; i++)
		state->registers[i] = get(image + layouts[is_32bit].registers + size * i, size) |
				      (is_32bit ? 0 : 0xffff0000);
	for (unsigned int i = 0; i < selectors_of(is_32bit); i++)
		state->selector[i] = get(selector + layouts[is_32bit].selector_step * i, 2);
	state->selector[TASK_LDTR] = get(image + layouts[is_32bit].ldt, 2);
	if (is_32bit) {
		state->cr3 = get(image + CR3_OFFSET, 4);
		state->trap = image[T_OFFSET] & 1;
	}
}

void task_state_write(const struct task_state *state, uint8_t *image, bool is_32bit)
{
	uint8_t *selector = image + layouts[is_32bit].selectors;
	unsigned int size = layouts[is_32bit].step;

	put(image + layouts[is_32bit].eip, state->eip, size);
	put(image + layouts[is_32bit].eflags, state->eflags, size);
	for (unsigned int i = 0; i < 8; i++)
		put(image + layouts[is_32bit].registers + size * i, state->registers[i], size);
	for (unsigned int i = 0; i < selectors_of(is_32bit); i++)
		put(selector + layouts[is_32bit].selector_step * i, state->selector[i], 2);
}

uint32_t descriptor_base(uint64_t raw)
{
	return (raw >> 16 & 0xffffff) | (raw >> 56 << 24);
}

uint32_t descriptor_rights(uint64_t raw)
{
	return raw >> 40 & RIGHTS_FIELD;
}

uint32_t descriptor_limit(uint64_t raw)
{
	uint32_t limit = (raw & 0xffff) | (raw >> 32 & 0xf0000);

	return descriptor_rights(raw) & G ? limit << 12 | 0xfff : limit;
}

bool task_is_32bit(uint32_t rights)
{
	return (rights & TYPE & ~TYPE_TSS_BUSY) == TYPE_TSS_32;
}

static struct task_fault fault(uint8_t vector, uint16_t selector)
{
	return (struct task_fault){vector, selector};
}

static const struct task_fault no_fault;

struct task_fault task_check_tss(uint16_t selector, const struct task_descriptor *tss,
				 enum task_source source)
{
	uint8_t invalid = source == TASK_IRET ? VECTOR_TS : VECTOR_GP;
	uint32_t rights = descriptor_rights(tss->raw), type = rights & (TYPE | S);
	uint32_t busy = source == TASK_IRET ? TYPE_TSS_BUSY : 0;

	if ((selector & SELECTOR_TI) || !tss->found ||
	    (type != (TYPE_TSS_16 | busy) && type != (TYPE_TSS_32 | busy)))
		return fault(invalid, selector);
	if (!(rights & P))
		return fault(VECTOR_NP, selector);
	if (descriptor_limit(tss->raw) < task_image_size(task_is_32bit(rights)) - 1)
		return fault(VECTOR_TS, selector);
	return no_fault;
}

/* One segment of a task, and the privilege that the task will have. */
struct segment {
	bool null, found;
	uint32_t rights;
	unsigned int rpl, cpl;
};

static struct segment segment_of(const struct task_state *state,
				 const struct task_descriptor *descriptor, enum task_segment n)
{
	uint16_t selector = state->selector[n];

	return (struct segment){
		.null = !(selector & ~SELECTOR_RPL),
		.found = descriptor[n].found,
		.rights = descriptor_rights(descriptor[n].raw),
		.rpl = selector & SELECTOR_RPL,
		.cpl = state->selector[TASK_CS] & SELECTOR_RPL,
	};
}

static bool is_present(struct segment segment)
{
	return segment.rights & P;
}

static bool ldt_valid(struct segment ldt, uint16_t selector)
{
	return ldt.null ||
	       (!(selector & SELECTOR_TI) && ldt.found && (ldt.rights & (TYPE | S)) == TYPE_LDT);
}

static bool ldt_present(struct segment ldt)
{
	return ldt.null || is_present(ldt);
}

static bool cs_valid(struct segment cs)
{
	return cs.found && (cs.rights & S) && (cs.rights & TYPE_CODE);
}

static bool cs_privileged(struct segment cs)
{
	if (cs.rights & TYPE_CONFORMING)
		return DPL(cs.rights) <= cs.rpl;
	return DPL(cs.rights) == cs.rpl;
}

static bool ss_valid(struct segment ss)
{
	return ss.found && (ss.rights & S) && !(ss.rights & TYPE_CODE) &&
	       (ss.rights & TYPE_WRITABLE);
}

static bool data_valid(struct segment data)
{
	if (data.null)
		return true;
	return data.found && (data.rights & S) &&
	       (!(data.rights & TYPE_CODE) || (data.rights & TYPE_EXECUTABLE_READABLE));
}

static bool data_privileged(struct segment data)
{
	uint32_t conforming = TYPE_CODE | TYPE_CONFORMING;

	if (data.null || (data.rights & conforming) == conforming)
		return true;
	return DPL(data.rights) >= data.cpl && DPL(data.rights) >= data.rpl;
}

static struct task_fault check_data(struct segment data, uint16_t selector)
{
	if (!data_valid(data))
		return fault(VECTOR_TS, selector);
	if (!data.null && !is_present(data))
		return fault(VECTOR_NP, selector);
	return data_privileged(data) ? no_fault : fault(VECTOR_TS, selector);
}

struct task_fault task_check_segments(const struct task_state *state,
				      const struct task_descriptor descriptor[TASK_SEGMENTS])
{
	static const enum task_segment data_segments[] = {TASK_DS, TASK_ES, TASK_FS, TASK_GS};
	const uint16_t *selector = state->selector;
	struct segment ldt = segment_of(state, descriptor, TASK_LDTR);
	struct segment cs = segment_of(state, descriptor, TASK_CS);
	struct segment ss = segment_of(state, descriptor, TASK_SS);

	if (!ldt_valid(ldt, selector[TASK_LDTR]))
		return fault(VECTOR_TS, selector[TASK_LDTR]);
	if (cs_valid(cs) && !cs_privileged(cs))
		return fault(VECTOR_TS, selector[TASK_CS]);
	if (!ss_valid(ss))
		return fault(VECTOR_TS, selector[TASK_SS]);
	if (!is_present(ss))
		return fault(VECTOR_SS, selector[TASK_SS]);
	if (DPL(ss.rights) != ss.cpl)
		return fault(VECTOR_TS, selector[TASK_SS]);
	if (!ldt_present(ldt))
		return fault(VECTOR_TS, selector[TASK_LDTR]);
	if (!cs_valid(cs))
		return fault(VECTOR_TS, selector[TASK_CS]);
	if (!is_present(cs))
		return fault(VECTOR_NP, selector[TASK_CS]);
	if (DPL(ss.rights) != ss.rpl)
		return fault(VECTOR_TS, selector[TASK_SS]);
	for (unsigned int i = 0; i < 4; i++) {
		enum task_segment n = data_segments[i];
		struct task_fault found = check_data(segment_of(state, descriptor, n), selector[n]);

		if (found.vector)
			return found;
	}
	return no_fault;
}

bool task_segment_usable(const struct task_state *state,
			 const struct task_descriptor descriptor[TASK_SEGMENTS],
			 enum task_segment n)
{
	struct segment segment = segment_of(state, descriptor, n);

	switch (n) {
	case TASK_LDTR:
		return ldt_valid(segment, state->selector[n]) && ldt_present(segment);
	case TASK_CS:
		return cs_valid(segment) && cs_privileged(segment) && is_present(segment);
	case TASK_SS:
		return ss_valid(segment) && is_present(segment) &&
		       DPL(segment.rights) == segment.cpl && DPL(segment.rights) == segment.rpl;
	default:
		return !check_data(segment, state->selector[n]).vector;
	}
}
