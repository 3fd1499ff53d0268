#include "vmm/device/screen.h"

#include "vmm/vm.h"

#define CELLS	   4 /* of the page, in a word of 64 bits */
#define PAGE_WORDS (VGA_TEXT_CELLS / CELLS)
#define SPREAD	   0x9e3779b97f4a7c15ull /* odd, of no pattern */

uint32_t screen_read(struct vm *vm, uint16_t port)
{
	return vga_registers_read(&vm->pc.screen.registers, port);
}

void screen_write(struct vm *vm, uint16_t port, uint32_t value)
{
	vga_registers_write(&vm->pc.screen.registers, port, value);
}

static void show(void *arg, const char *text)
{
	struct vm *vm = arg;

	for (; *text; text++)
		guest_console_write(&vm->screen, vm->config.name, *text);
	guest_console_write(&vm->screen, vm->config.name, '\n');
}

static const volatile uint16_t *cells(const struct vm *vm)
{
	return guest_ram_at(&vm->ram, VGA_TEXT_PAGE, VGA_TEXT_CELLS * sizeof(uint16_t));
}

/* Of what an 80x25 screen shows from there on; the page is a ring. */
static uint64_t checksum(const volatile uint64_t *page, uint16_t start)
{
	uint64_t sum = start;

	for (unsigned int i = 0; i <= VGA_TEXT_ROWS * VGA_TEXT_COLUMNS / CELLS; i++)
		sum = ((sum << 29 | sum >> 35) ^ page[(start / CELLS + i) % PAGE_WORDS]) * SPREAD;
	return sum;
}

/* As most guests leave it: that is to take no time. */
static bool is_empty(const volatile uint64_t *page)
{
	uint64_t any = 0;

	for (unsigned int i = 0; i < VGA_TEXT_ROWS * VGA_TEXT_COLUMNS / CELLS; i += 10)
		any |= page[i] | page[i + 1] | page[i + 2] | page[i + 3] | page[i + 4] |
		       page[i + 5] | page[i + 6] | page[i + 7] | page[i + 8] | page[i + 9];
	return !any;
}

/* A screen that stands still is looked at thoroughly a few times, and then not any more. */
static bool stands_still(struct vm *vm, const volatile uint16_t *page)
{
	const volatile uint64_t *words = (const volatile uint64_t *)page;
	uint16_t start = vga_registers_start(&vm->pc.screen.registers);
	uint64_t sum;

	if (!vm->screen_drawn && !start && is_empty(words))
		return true;
	sum = checksum(words, start);
	if (sum != vm->screen_sum)
		vm->screen_still = 0;
	else if (vm->screen_still < VM_SCREEN_STILL)
		vm->screen_still++;
	else
		return true;
	vm->screen_sum = sum;
	if (!vm->screen_drawn)
		vga_text_begin(&vm->pc.screen);
	vm->screen_drawn = true;
	return false;
}

bool screen_scan(struct vm *vm)
{
	const volatile uint16_t *page = cells(vm);

	if (!page || stands_still(vm, page))
		return false;
	vga_text_scan(&vm->pc.screen, page, VGA_TEXT_CELLS, show, vm);
	return true;
}

bool screen_flush(struct vm *vm)
{
	const volatile uint16_t *page = cells(vm);

	if (!page || stands_still(vm, page) ||
	    !vga_text_flush(&vm->pc.screen, page, VGA_TEXT_CELLS, show, vm))
		return true;
	vm->screen_still = 0; /* it is looked at once more */
	return false;
}
