/*
 * The registers of a VGA in 80x25 text mode, as its BIOS leaves them: they keep what is written and
 * read back, and nothing is drawn from them (IBM PS/2 Hardware Interface Technical Reference,
 * "Video Subsystem": General, Sequencer, CRT Controller, Graphics, Attribute Controller Registers,
 * Video Digital-to-Analog Converter). Ports 3B0h to 3DFh, each a byte; bit 0 of the miscellaneous
 * output register says whether those of the CRT controller are at 3Dxh or 3Bxh. The retrace bits of
 * input status register 1 change with each read. The caller has the lock.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define VGA_FIRST_PORT 0x3b0
#define VGA_PORTS      0x30

#define VGA_CRTC_REGISTERS	25
#define VGA_SEQUENCER_REGISTERS 5
#define VGA_GRAPHICS_REGISTERS	9
#define VGA_ATTRIBUTE_REGISTERS 21
#define VGA_DAC_BYTES		768

struct vga_registers {
	uint8_t miscellaneous_output, feature_control;
	uint8_t crtc_index, sequencer_index, graphics_index;
	uint8_t attribute_index; /* with the palette address source */
	bool attribute_data;	 /* the next write to 3C0h is data */
	bool retrace;
	bool dac_reads; /* the address was written for reading */
	uint8_t dac_mask;
	uint16_t dac_byte; /* the next one, of VGA_DAC_BYTES */
	uint8_t crtc[VGA_CRTC_REGISTERS];
	uint8_t sequencer[VGA_SEQUENCER_REGISTERS];
	uint8_t graphics[VGA_GRAPHICS_REGISTERS];
	uint8_t attribute[VGA_ATTRIBUTE_REGISTERS];
	uint8_t dac[VGA_DAC_BYTES];
};

void vga_registers_reset(struct vga_registers *vga);

/* A byte; all ones where nothing answers. */
uint32_t vga_registers_read(struct vga_registers *vga, uint16_t port);
void vga_registers_write(struct vga_registers *vga, uint16_t port, uint8_t value);

/* Where the screen starts, and where the cursor is: in characters, 16 bits. */
uint16_t vga_registers_start(const struct vga_registers *vga);
uint16_t vga_registers_cursor(const struct vga_registers *vga);
bool vga_registers_has_cursor(const struct vga_registers *vga);
