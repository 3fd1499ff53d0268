#include "vmm/chip/vga_registers.h"

enum crtc_register {
	CRTC_OVERFLOW = 0x07,
	CRTC_CURSOR_START = 0x0a,
	CRTC_START_HIGH = 0x0c,
	CRTC_START_LOW = 0x0d,
	CRTC_CURSOR_HIGH = 0x0e,
	CRTC_CURSOR_LOW = 0x0f,
	CRTC_RETRACE_END = 0x11,
};

#define CRTC_PROTECT	 0x80 /* of the vertical retrace end: registers 0 to 7 */
#define CURSOR_OFF	 0x20 /* of the cursor start */
#define LINE_COMPARE_8	 0x10 /* of the overflow register: is not protected */
#define ADDRESS_SELECT	 0x01 /* of the miscellaneous output: 3Dxh */
#define DISPLAY_DISABLED 0x01 /* of input status 1 */
#define VERTICAL_RETRACE 0x08
#define SWITCH_SENSE	 0x10 /* of input status 0: a colour monitor */
#define DAC_READ_STATE	 0x03
#define NOTHING		 0xff

/* Mode 3: 80x25, 16 colours, 9x16 dots. */
static const struct vga_registers mode_3 = {
	.miscellaneous_output = 0x67,
	.attribute_index = 0x20,
	.dac_mask = 0xff,
	.crtc = {0x5f, 0x4f, 0x50, 0x82, 0x55, 0x81, 0xbf, 0x1f, 0x00, 0x4f, 0x0d, 0x0e, 0x00,
		 0x00, 0x00, 0x00, 0x9c, 0x8e, 0x8f, 0x28, 0x1f, 0x96, 0xb9, 0xa3, 0xff},
	.sequencer = {0x03, 0x00, 0x03, 0x00, 0x02},
	.graphics = {0x00, 0x00, 0x00, 0x00, 0x00, 0x10, 0x0e, 0x00, 0xff},
	.attribute = {0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x14, 0x07, 0x38, 0x39, 0x3a,
		      0x3b, 0x3c, 0x3d, 0x3e, 0x3f, 0x0c, 0x00, 0x0f, 0x08, 0x00},
};

/* One of red (2), green (1) and blue (0) of a colour of the EGA, whose bits are rgbRGB. */
static uint8_t brightness(unsigned int colour, unsigned int part)
{
	return (colour >> part & 1) * 0x2a + (colour >> (part + 3) & 1) * 0x15;
}

void vga_registers_reset(struct vga_registers *vga)
{
	*vga = mode_3;
	for (unsigned int colour = 0; colour < 64; colour++)
		for (unsigned int i = 0; i < 3; i++)
			vga->dac[3 * colour + i] = brightness(colour, 2 - i);
}

uint16_t vga_registers_start(const struct vga_registers *vga)
{
	return vga->crtc[CRTC_START_HIGH] << 8 | vga->crtc[CRTC_START_LOW];
}

uint16_t vga_registers_cursor(const struct vga_registers *vga)
{
	return vga->crtc[CRTC_CURSOR_HIGH] << 8 | vga->crtc[CRTC_CURSOR_LOW];
}

bool vga_registers_has_cursor(const struct vga_registers *vga)
{
	return !(vga->crtc[CRTC_CURSOR_START] & CURSOR_OFF);
}

/* The port at 3Dxh for one that is at 3Bxh or 3Dxh; 0: those are at the other place now. */
static uint16_t decoded(const struct vga_registers *vga, uint16_t port)
{
	bool is_colour = vga->miscellaneous_output & ADDRESS_SELECT;

	if (port >= 0x3c0 && port < 0x3d0)
		return port;
	if (port < 0x3c0)
		return is_colour ? 0 : port + 0x20;
	return is_colour ? port : 0;
}

static uint8_t indexed(const uint8_t *registers, unsigned int count, unsigned int index)
{
	return index < count ? registers[index] : 0;
}

/* The byte of the palette whose turn it is; the next one is next. */
static uint8_t *next_of_dac(struct vga_registers *vga)
{
	uint8_t *byte = &vga->dac[vga->dac_byte++];

	if (vga->dac_byte == VGA_DAC_BYTES)
		vga->dac_byte = 0;
	return byte;
}

static uint8_t input_status_1(struct vga_registers *vga)
{
	vga->attribute_data = false;
	vga->retrace = !vga->retrace;
	return vga->retrace ? DISPLAY_DISABLED | VERTICAL_RETRACE : 0;
}

uint32_t vga_registers_read(struct vga_registers *vga, uint16_t port)
{
	switch (decoded(vga, port)) {
	case 0x3c0:
		return vga->attribute_index;
	case 0x3c1:
		return indexed(vga->attribute, VGA_ATTRIBUTE_REGISTERS,
			       vga->attribute_index & 0x1f);
	case 0x3c2:
		return SWITCH_SENSE;
	case 0x3c4:
		return vga->sequencer_index;
	case 0x3c5:
		return indexed(vga->sequencer, VGA_SEQUENCER_REGISTERS, vga->sequencer_index);
	case 0x3c6:
		return vga->dac_mask;
	case 0x3c7:
		return vga->dac_reads ? DAC_READ_STATE : 0;
	case 0x3c8:
		return vga->dac_byte / 3;
	case 0x3c9:
		return *next_of_dac(vga);
	case 0x3ca:
		return vga->feature_control;
	case 0x3cc:
		return vga->miscellaneous_output;
	case 0x3ce:
		return vga->graphics_index;
	case 0x3cf:
		return indexed(vga->graphics, VGA_GRAPHICS_REGISTERS, vga->graphics_index);
	case 0x3d4:
		return vga->crtc_index;
	case 0x3d5:
		return indexed(vga->crtc, VGA_CRTC_REGISTERS, vga->crtc_index);
	case 0x3da:
		return input_status_1(vga);
	default:
		return NOTHING;
	}
}

static void write_attribute(struct vga_registers *vga, uint8_t value)
{
	unsigned int index = vga->attribute_index & 0x1f;

	if (!vga->attribute_data)
		vga->attribute_index = value & 0x3f;
	else if (index < VGA_ATTRIBUTE_REGISTERS)
		vga->attribute[index] = value & 0x3f;
	vga->attribute_data = !vga->attribute_data;
}

static void write_crtc(struct vga_registers *vga, uint8_t value)
{
	unsigned int index = vga->crtc_index;

	if (index >= VGA_CRTC_REGISTERS)
		return;
	if (index <= CRTC_OVERFLOW && vga->crtc[CRTC_RETRACE_END] & CRTC_PROTECT) {
		if (index == CRTC_OVERFLOW)
			vga->crtc[index] =
				(vga->crtc[index] & ~LINE_COMPARE_8) | (value & LINE_COMPARE_8);
		return;
	}
	vga->crtc[index] = value;
}

static void address_dac(struct vga_registers *vga, uint8_t value, bool reads)
{
	vga->dac_reads = reads;
	vga->dac_byte = 3 * value;
}

void vga_registers_write(struct vga_registers *vga, uint16_t port, uint8_t value)
{
	switch (decoded(vga, port)) {
	case 0x3c0:
		write_attribute(vga, value);
		break;
	case 0x3c2:
		vga->miscellaneous_output = value;
		break;
	case 0x3c4:
		vga->sequencer_index = value & 0x07;
		break;
	case 0x3c5:
		if (vga->sequencer_index < VGA_SEQUENCER_REGISTERS)
			vga->sequencer[vga->sequencer_index] = value;
		break;
	case 0x3c6:
		vga->dac_mask = value;
		break;
	case 0x3c7:
		address_dac(vga, value, true);
		break;
	case 0x3c8:
		address_dac(vga, value, false);
		break;
	case 0x3c9:
		*next_of_dac(vga) = value & 0x3f;
		break;
	case 0x3ce:
		vga->graphics_index = value & 0x0f;
		break;
	case 0x3cf:
		if (vga->graphics_index < VGA_GRAPHICS_REGISTERS)
			vga->graphics[vga->graphics_index] = value;
		break;
	case 0x3d4:
		vga->crtc_index = value & 0x1f;
		break;
	case 0x3d5:
		write_crtc(vga, value);
		break;
	case 0x3da:
		vga->feature_control = value;
		break;
	}
}
