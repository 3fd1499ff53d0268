#include "vmm/exit/mmio_decode.h"

#include <stdbool.h>

#include "lib/errno.h"
#include "vmm/exit/mmio_forms.h"

#define ALWAYS_INLINE static inline __attribute__((always_inline))

/* The prefixes of an instruction in a word: REX as it is, and bits. 0: none that counts. */
enum prefixes {
	REX_R = 0x04,
	REX_W = 0x08,
	REX = 0xff,
	OPERAND_SIZE = 0x100,
	ADDRESS_SIZE = 0x200,
	LOCK = 0x400,
	REPEAT = 0x800,
	SEGMENT_SHIFT = 16, /* a segment's number, of which DS is the 0 here */
};

#define SEGMENT_DS 3
#define SEGMENT_FS 4

/* An instruction up to the last byte of its opcode. */
struct opcode {
	struct mmio_form form;
	unsigned int end; /* how many bytes that is */
	uint32_t prefixes;
};

/* The bytes have come to an end too early. */
static int too_short(unsigned int count)
{
	return count == MMIO_INSTRUCTION_MAX ? -EINVAL : -EAGAIN;
}

static uint32_t with_segment(uint32_t prefixes, unsigned int segment)
{
	return (prefixes & ((1 << SEGMENT_SHIFT) - 1)) | (segment ^ SEGMENT_DS) << SEGMENT_SHIFT;
}

/* Adds a byte to the prefixes. False: it is none. */
static bool add_prefix(uint32_t *prefixes, uint8_t byte, enum mmio_code code)
{
	uint32_t all = *prefixes & ~REX; /* which counts right before the opcode only */

	switch (byte) {
	case 0x26:
	case 0x2e:
	case 0x36:
	case 0x3e:
		if (code != MMIO_CODE_64) /* there they override nothing */
			all = with_segment(all, byte >> 3 & 3);
		break;
	case 0x64:
	case 0x65:
		all = with_segment(all, byte - 0x64 + SEGMENT_FS);
		break;
	case 0x40 ... 0x4f:
		if (code != MMIO_CODE_64)
			return false;
		all |= byte;
		break;
	case 0x66:
		all |= OPERAND_SIZE;
		break;
	case 0x67:
		all |= ADDRESS_SIZE;
		break;
	case 0xf0:
		all |= LOCK;
		break;
	case 0xf2:
	case 0xf3:
		all |= REPEAT;
		break;
	default:
		return false;
	}
	*prefixes = all;
	return true;
}

/* What follows 0F. Returns 0 or an error. */
static int decode_escape(const uint8_t *bytes, unsigned int count, struct opcode *opcode)
{
	uint8_t byte;

	if (opcode->end == count)
		return too_short(count);
	byte = bytes[opcode->end++];
	if (byte == 0x38) {
		if (opcode->end == count)
			return too_short(count);
		byte = bytes[opcode->end++];
		if ((byte & 0xfe) != 0xf0 || (opcode->prefixes & REPEAT)) /* with F2: CRC32 */
			return -EINVAL;
		opcode->form = mmio_movbe[byte & 1];
		return 0;
	}
	if (byte >= MMIO_TWO_BYTES)
		return -EINVAL;
	if (byte == 0xc3 && (opcode->prefixes & (REPEAT | OPERAND_SIZE))) /* MOVNTI has none */
		return -EINVAL;
	opcode->form = mmio_two_bytes[byte];
	return 0;
}

/* Prefixes and opcode. Returns 0 or an error. */
static int decode_opcode(const uint8_t *bytes, unsigned int count, enum mmio_code code,
			 struct opcode *opcode)
{
	uint8_t byte;

	do {
		if (opcode->end == count)
			return too_short(count);
		byte = bytes[opcode->end++];
	} while (add_prefix(&opcode->prefixes, byte, code));

	if (byte == 0x0f)
		return decode_escape(bytes, count, opcode);
	if ((byte == 0x63 && code != MMIO_CODE_64) || (byte == 0x82 && code == MMIO_CODE_64))
		return -EINVAL;
	opcode->form = mmio_one_byte[byte];
	return 0;
}

/*
 * How many bytes of SIB and displacement follow ModRM (SDM Vol. 2A tables 2-1 to 2-3): by mod, a
 * digit for each r/m, 0 on the right.
 */
static const uint32_t address_lengths_16[] = {0x02000000, 0x11111111, 0x22222222};
static const uint32_t address_lengths[] = {0x00410000, 0x11121111, 0x44454444};

/* The same, where the first of them may be SIB. Not for 16-bit addresses. */
ALWAYS_INLINE unsigned int address_length(const uint8_t *sib, unsigned int modrm)
{
	if ((modrm & 0xc7) == 0x04 && (*sib & 7) == 5) /* without a base */
		return 5;
	return address_lengths[modrm >> 6] >> 4 * (modrm & 7) & 15;
}

static uint64_t sign_extended(const uint8_t *bytes, unsigned int size)
{
	if (size == 1)
		return (int8_t)bytes[0];
	if (size == 2)
		return (int16_t)(bytes[0] | bytes[1] << 8);
	return (int32_t)(bytes[0] | bytes[1] << 8 | bytes[2] << 16 | (uint32_t)bytes[3] << 24);
}

static unsigned int immediate_size(unsigned int encoding, unsigned int size)
{
	if (encoding & MMIO_IMMEDIATE)
		return size == 8 ? 4 : size;
	return encoding & MMIO_IMMEDIATE_8 ? 1 : 0;
}

static bool is_string(const struct mmio_form *form)
{
	return form->operation >= MMIO_STOS;
}

static unsigned int operand_size(uint32_t prefixes, enum mmio_code code)
{
	if (prefixes & REX_W)
		return 8;
	return !!(prefixes & OPERAND_SIZE) == (code == MMIO_CODE_16) ? 4 : 2;
}

static unsigned int address_size(uint32_t prefixes, enum mmio_code code)
{
	if (!(prefixes & ADDRESS_SIZE))
		return code;
	return code == MMIO_CODE_32 ? 2 : 4;
}

/* LOCK is for what reads, changes and writes one place. */
static bool takes_lock(const struct mmio_form *form)
{
	return (form->flags & MMIO_READS) && (form->flags & MMIO_WRITES) && !is_string(form);
}

/* The operands' sizes where the memory operand's is not simply the operand size, or a byte. */
static void set_own_sizes(unsigned int encoding, unsigned int size, enum mmio_code code,
			  struct mmio_instruction *instruction)
{
	instruction->size = instruction->register_size = size;
	if (encoding & MMIO_FROM_8)
		instruction->size = 1;
	else if (encoding & MMIO_FROM_16)
		instruction->size = 2;
	else if ((encoding & MMIO_FROM_32) && size == 8)
		instruction->size = 4;
	else if ((encoding & MMIO_STACK) && size == 4 && code == MMIO_CODE_64)
		instruction->size = instruction->register_size = 8;
}

/* Which byte of a register a number means (SDM Vol. 2A table 2-2 and 2.2.1.2). */
ALWAYS_INLINE void name_byte(unsigned int prefixes, struct mmio_instruction *instruction)
{
	if (instruction->number >= 4 && !(prefixes & REX)) {
		instruction->number -= 4;
		instruction->flags |= MMIO_HIGH_BYTE;
	}
}

static void set_sizes(const struct opcode *opcode, enum mmio_code code,
		      struct mmio_instruction *instruction)
{
	unsigned int size = operand_size(opcode->prefixes, code);

	if (opcode->form.encoding & MMIO_OWN_SIZES) {
		set_own_sizes(opcode->form.encoding, size, code, instruction);
		return;
	}
	if (opcode->form.encoding & MMIO_BYTE) {
		size = 1;
		name_byte(opcode->prefixes, instruction);
	}
	instruction->size = size;
	instruction->register_size = size;
}

/*
 * From ModRM's byte on: a register's number or a group's operation, and where the address ends.
 * Returns that, or an error; it may be beyond the last byte.
 */
static int decode_modrm(const uint8_t *bytes, unsigned int count, struct opcode *opcode,
			struct mmio_instruction *instruction)
{
	static const uint8_t nothing;
	unsigned int at = opcode->end, modrm, reg;

	if (at == count)
		return too_short(count);
	modrm = bytes[at++];
	if (modrm >= 0xc0) /* no memory operand */
		return -EINVAL;
	reg = modrm >> 3 & 7;
	if (opcode->form.encoding & MMIO_GROUP) {
		const struct mmio_form *member = &mmio_groups[opcode->form.operation][reg];

		opcode->form.operation = member->operation;
		opcode->form.flags = member->flags;
		opcode->form.encoding |= member->encoding;
	} else if (opcode->form.encoding & MMIO_IMMEDIATE) {
		if (reg)
			return -EINVAL;
	} else {
		instruction->number = reg | (opcode->prefixes & REX_R) << 1;
	}
	if (instruction->address_size == 2)
		return at + (address_lengths_16[modrm >> 6] >> 4 * (modrm & 7) & 15);
	return at + address_length(at < count ? bytes + at : &nothing, modrm);
}

/* What follows the opcode. Returns 0 or an error. */
static int decode_operands(const uint8_t *bytes, unsigned int count, enum mmio_code code,
			   struct opcode *opcode, struct mmio_instruction *instruction)
{
	unsigned int immediate;
	int at = opcode->end;

	*instruction = (struct mmio_instruction){
		.address_size = address_size(opcode->prefixes, code),
		.segment = opcode->prefixes >> SEGMENT_SHIFT ^ SEGMENT_DS,
	};
	if (opcode->form.encoding & MMIO_MODRM)
		at = decode_modrm(bytes, count, opcode, instruction);
	else if (opcode->form.encoding & MMIO_OFFSET)
		at += instruction->address_size;
	if (at < 0)
		return at;
	if (!opcode->form.operation || ((opcode->prefixes & LOCK) && !takes_lock(&opcode->form)))
		return -EINVAL;

	instruction->operation = opcode->form.operation;
	instruction->flags = opcode->form.flags;
	if ((opcode->prefixes & REPEAT) && is_string(&opcode->form))
		instruction->flags |= MMIO_REP;
	set_sizes(opcode, code, instruction);

	immediate = immediate_size(opcode->form.encoding, instruction->size);
	if (at + immediate > count)
		return too_short(count);
	if (immediate)
		instruction->immediate = sign_extended(bytes + at, immediate);
	instruction->length = at + immediate;
	return 0;
}

static __attribute__((noinline)) int decode_any(const uint8_t *bytes, unsigned int count,
						enum mmio_code code,
						struct mmio_instruction *instruction)
{
	struct opcode opcode = {.end = 0};
	int error = decode_opcode(bytes, count, code, &opcode);

	return error ? error : decode_operands(bytes, count, code, &opcode, instruction);
}

/*
 * Most accesses by far: an opcode of one byte after 66 and REX at most, a register or what MOV has
 * as an immediate, addresses of the mode's size, not 16 bits, and bytes enough for what may follow.
 * False: it is another.
 */
ALWAYS_INLINE bool decode_plain(const uint8_t *bytes, enum mmio_code code,
				struct mmio_instruction *instruction)
{
	unsigned int rex = 0, size = 4, modrm;
	const uint8_t *at = bytes;
	struct mmio_form form;

	if (__builtin_expect(*at == 0x66, 0)) {
		size = 2;
		at++;
	}
	if (code == MMIO_CODE_64 && (*at & 0xf0) == 0x40) {
		rex = *at++;
		if (rex & REX_W)
			size = 8;
	}
	form = mmio_one_byte[*at++];
	modrm = *at++;
	if ((form.encoding & ~(MMIO_BYTE | MMIO_IMMEDIATE)) != MMIO_MODRM || modrm >= 0xc0)
		return false;

	instruction->operation = form.operation;
	instruction->flags = form.flags;
	instruction->number = (modrm >> 3 & 7) | (rex & REX_R) << 1;
	instruction->address_size = code;
	instruction->segment = SEGMENT_DS;
	instruction->immediate = 0;
	at += address_length(at, modrm);
	if (__builtin_expect(form.encoding & (MMIO_BYTE | MMIO_IMMEDIATE), 0)) {
		if (form.encoding & MMIO_BYTE)
			size = 1;
		if (!(form.encoding & MMIO_IMMEDIATE)) {
			name_byte(rex, instruction);
		} else {
			unsigned int immediate = immediate_size(form.encoding, size);

			if (modrm & 0x38)
				return false;
			instruction->number = 0;
			instruction->immediate = sign_extended(at, immediate);
			at += immediate;
		}
	}
	instruction->size = size;
	instruction->register_size = size;
	instruction->length = at - bytes;
	return true;
}

int mmio_decode(const uint8_t *bytes, unsigned int count, enum mmio_code code,
		struct mmio_instruction *instruction)
{
	if (count == MMIO_INSTRUCTION_MAX && code != MMIO_CODE_16 &&
	    decode_plain(bytes, code, instruction))
		return 0;
	return decode_any(bytes, count, code, instruction);
}
