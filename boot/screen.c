#include "boot/screen.h"

#include <stddef.h>

#include "boot/bootinfo.h"
#include "boot/paging.h"
#include "lib/console.h"
#include "lib/framebuffer.h"
#include "lib/vga.h"
#include "lib/x86.h"

#define BOOT_TABLES_LIMIT BIT(32) /* what boot/start.S maps */

/* Written at boot: the framebuffer that is used, or 0 bytes. */
static uint64_t address, size;

static struct framebuffer_field field_of(struct boot_framebuffer_field field)
{
	return (struct framebuffer_field){field.position, field.size};
}

static void use_framebuffer(const struct boot_framebuffer *found)
{
	const struct framebuffer framebuffer = {
		.memory = (uint8_t *)found->addr,
		.pitch = found->pitch,
		.width = found->width,
		.height = found->height,
		.bits = found->bpp,
		.red = field_of(found->red),
		.green = field_of(found->green),
		.blue = field_of(found->blue),
	};
	const struct text_device *text =
		found->type == BOOT_FRAMEBUFFER_RGB ? framebuffer_text(&framebuffer) : NULL;

	if (!text) {
		log_warning("nothing can be shown on the screen, a framebuffer of %ux%u with %u "
			    "bits a pixel: RGB with 15 to 32 bits is needed. In GRUB, after the "
			    "multiboot2 line: set gfxpayload=1024x768x32",
			    found->width, found->height, found->bpp);
		return;
	}
	address = found->addr;
	size = (uint64_t)found->pitch * found->height;
	console_set_screen(CONSOLE_FRAMEBUFFER, text);
	console_hold_screen(address + size > BOOT_TABLES_LIMIT);
}

void screen_init(const struct boot_info *info)
{
	if (info->ega_text)
		console_set_screen(CONSOLE_VGA, &vga_text);
	else if (info->framebuffer.width)
		use_framebuffer(&info->framebuffer);
}

void screen_map(void)
{
	if (!size)
		return;
	if (paging_map_screen(address, size)) {
		console_hold_screen(false);
		return;
	}
	console_set_screen(CONSOLE_FRAMEBUFFER, NULL);
	log_warning("nothing can be shown on the screen: its framebuffer at 0x%lx cannot be mapped",
		    address);
}
