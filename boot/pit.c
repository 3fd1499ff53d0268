#include "boot/pit.h"

#include "lib/x86.h"

#define PIT_CHANNEL0 0x40
#define PIT_CHANNEL2 0x42
#define PIT_COMMAND  0x43
#define PIT_GATE     0x61
#define GATE_ENABLE  0x01
#define GATE_SPEAKER 0x02

#define PIT_ONESHOT0  0x30 /* channel 0, low then high byte, mode 0 */
#define PIT_PERIODIC0 0x34 /* channel 0, the same, mode 2 */
#define PIT_PERIODIC2 0xb4 /* channel 2, the same, mode 2 */
#define PIT_LATCH2    0x80

static uint8_t gate_before; /* under way: written by pit_count_start() */

static void start_channel0(uint8_t command, uint16_t ticks)
{
	outb(PIT_COMMAND, command);
	outb(PIT_CHANNEL0, ticks & 0xff);
	outb(PIT_CHANNEL0, ticks >> 8);
}

void pit_start_oneshot(uint16_t ticks)
{
	start_channel0(PIT_ONESHOT0, ticks);
}

void pit_start_periodic(uint16_t ticks)
{
	start_channel0(PIT_PERIODIC0, ticks);
}

void pit_count_start(void)
{
	gate_before = inb(PIT_GATE);
	outb(PIT_GATE, (gate_before & ~GATE_SPEAKER) | GATE_ENABLE);
	outb(PIT_COMMAND, PIT_PERIODIC2);
	outb(PIT_CHANNEL2, 0); /* 65536 */
	outb(PIT_CHANNEL2, 0);
}

uint32_t pit_count(void)
{
	uint8_t low;

	outb(PIT_COMMAND, PIT_LATCH2);
	low = inb(PIT_CHANNEL2);
	return low | inb(PIT_CHANNEL2) << 8;
}

void pit_count_stop(void)
{
	outb(PIT_GATE, gate_before & ~(GATE_SPEAKER | GATE_ENABLE));
}
