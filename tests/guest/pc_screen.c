/* The VGA's text page. */
#include "pc.h"

#define PAGE	0xb8000u
#define COLUMNS 80

static void draw(unsigned row, const char *text)
{
	uintptr_t at = PAGE + 2 * COLUMNS * row;

	asm volatile("" : "+r"(at)); /* an address is no object to the compiler */
	for (volatile uint16_t *cell = (volatile uint16_t *)at; *text; text++)
		*cell++ = (uint16_t)(0x0700 | (uint8_t)*text);
}

void draw_on_the_screen(void)
{
	for (unsigned row = 0; row < 25; row++)
		draw(row, "                                        ");
	draw(3, "screen: line three");
	draw(4, "screen: line four");
	wait_ms(100);
	draw(4, "screen: line FOUR");
	draw(5, "screen: the last line");
}
