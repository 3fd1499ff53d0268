/*
 * The machine's screen as the boot loader left it, for the console: VGA text or a framebuffer.
 * First CPU, at boot.
 */
#pragma once

struct boot_info;

/*
 * Gives the console the screen. A framebuffer that cannot be used is warned of. One above 4 GiB,
 * which boot/start.S does not map, keeps what is written until screen_map().
 */
void screen_init(const struct boot_info *info);

/* After paging_init(): maps the framebuffer, and lets out what was kept. */
void screen_map(void);
