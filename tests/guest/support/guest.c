#include "guest.h"

#include "lib/format.h"
#include "multiboot.h"
#include "trap.h"

const struct multiboot_info *boot_info;

#define OPTION_MAX 512 /* characters of an option with its value: as many as a command line has */

static const char *command_line = "";
static unsigned passed, failed, skipped;
static bool hypercalls;

void put_char(char c)
{
	/* bounded, so that a machine with no COM1 does not hang here */
	for (unsigned i = 0; i < 100000 && !(inb(COM1 + 5) & 0x20); i++)
		asm volatile("pause");
	outb(COM1, (uint8_t)c);
}

/* 115200 baud, 8 bits, no parity, no interrupts. */
static void start_com1(void)
{
	outb(COM1 + 1, 0);
	outb(COM1 + 3, 0x80);
	outb(COM1, 1);
	outb(COM1 + 1, 0);
	outb(COM1 + 3, 0x03);
	outb(COM1 + 4, 0x03);
}

static void print_v(const char *fmt, va_list args)
{
	char text[512];

	format_v(text, sizeof(text), fmt, args);
	for (const char *s = text; *s; s++)
		put_char(*s);
}

void print(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	print_v(fmt, args);
	va_end(args);
}

void guest_exit(int status)
{
	while (!(inb(COM1 + 5) & 0x40))
		asm volatile("pause");
	outb(EXIT_PORT, (uint8_t)status);
	/* still here: bare Bochs */
	for (const char *s = "Shutdown"; *s; s++)
		outb(0x8900, (uint8_t)*s);
	for (;;)
		asm volatile("cli; hlt");
}

bool option_word(unsigned n, char *word, size_t size)
{
	const char *s = command_line;

	for (;;) {
		size_t length = 0;

		while (*s == ' ')
			s++;
		if (!*s)
			return false;
		while (s[length] && s[length] != ' ')
			length++;
		if (!n--) {
			if (length > size - 1)
				length = size - 1;
			memcpy(word, s, length);
			word[length] = '\0';
			return true;
		}
		s += length;
	}
}

bool option(const char *name)
{
	char word[OPTION_MAX];

	for (unsigned n = 0; option_word(n, word, sizeof(word)); n++)
		if (!strcmp(word, name))
			return true;
	return false;
}

/* What follows "name=" into value[size]. */
static bool option_value(const char *name, char *value, size_t size)
{
	size_t length = strlen(name);
	char word[OPTION_MAX];

	for (unsigned n = 0; option_word(n, word, sizeof(word)); n++) {
		if (strncmp(word, name, length) || word[length] != '=')
			continue;
		copy_string(value, size, word + length + 1);
		return true;
	}
	return false;
}

uint64_t option_number(const char *name, uint64_t otherwise)
{
	char text[32];
	uint64_t value = 0;

	if (!option_value(name, text, sizeof(text)))
		return otherwise;
	for (const char *s = text; *s; s++) {
		if (*s < '0' || *s > '9') {
			print("FAIL command-line: %s=%s is not a number\n", name, text);
			guest_exit(1);
		}
		value = value * 10 + (uint64_t)(*s - '0');
	}
	return value;
}

bool option_lists(const char *name, const char *item)
{
	size_t length = strlen(item);
	char list[OPTION_MAX];

	if (!option_value(name, list, sizeof(list)) || !strcmp(list, "all"))
		return true;
	for (const char *s = list; *s;) {
		size_t n = 0;

		while (s[n] && s[n] != ',')
			n++;
		if (n == length && !strncmp(s, item, n))
			return true;
		s += n + (s[n] == ',');
	}
	return false;
}

void report_pass(const char *name)
{
	passed++;
	print("PASS %s\n", name);
}

void report_fail(const char *name, const char *fmt, ...)
{
	va_list args;

	failed++;
	print("FAIL %s: ", name);
	va_start(args, fmt);
	print_v(fmt, args);
	va_end(args);
	print("\n");
}

void report_skip(const char *name, const char *reason)
{
	skipped++;
	print("SKIP %s: %s\n", name, reason);
}

unsigned report_failures(void)
{
	return failed;
}

int report_end(void)
{
	print("RESULT kernel=%s bits=%u pass=%u fail=%u skip=%u\n", guest_name, GUEST_BITS, passed,
	      failed, skipped);
	return failed || !passed;
}

static const char *check_name;
static unsigned check_failures;
static const char *check_skipped;

static void fail_v(const char *fmt, va_list args)
{
	if (check_failures++ < 5) {
		print("FAIL %s: ", check_name);
		print_v(fmt, args);
		print("\n");
	}
}

void fail(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	fail_v(fmt, args);
	va_end(args);
}

bool expect(bool condition, const char *fmt, ...)
{
	va_list args;

	if (condition)
		return true;
	va_start(args, fmt);
	fail_v(fmt, args);
	va_end(args);
	return false;
}

void skip(const char *reason)
{
	check_skipped = reason;
}

void run_checks(const struct check *checks, size_t count, const char *only)
{
	for (size_t i = 0; i < count; i++) {
		check_name = checks[i].name;
		check_failures = 0;
		check_skipped = NULL;
		if (only && !option_lists(only, check_name))
			continue;
		if ((checks[i].needs & NEEDS_HYPERCALL) && !hypercalls) {
			report_skip(check_name, "no hypercalls here");
			continue;
		}
		if (option("verbose"))
			print("RUN  %s\n", check_name);
		checks[i].run();
		if (check_failures)
			failed++;
		else if (check_skipped)
			report_skip(check_name, check_skipped);
		else
			report_pass(check_name);
	}
}

void run_topics(const struct topic *topics, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (option_lists("topic", topics[i].name))
			run_checks(topics[i].checks, topics[i].count, "only");
}

bool have_hypercalls(void)
{
	return hypercalls;
}

static void find_hypervisor(void)
{
	struct cpuid_result r;
	char signature[13] = "";

	/* leaf 0x40000000 means something only if this bit is set */
	if (!(cpuid(1, 0).ecx & 1u << 31))
		return;
	r = cpuid(HYPERCALL_CPUID_SIGNATURE, 0);
	memcpy(signature, &r.ebx, 4);
	memcpy(signature + 4, &r.ecx, 4);
	memcpy(signature + 8, &r.edx, 4);
	hypercalls = !strcmp(signature, HYPERCALL_SIGNATURE);
}

intptr_t hypercall(uint32_t function, uintptr_t b, uintptr_t c, uintptr_t d)
{
	intptr_t result;

	asm volatile("vmcall"
		     : "=a"(result), "+b"(b), "+c"(c)
		     : "a"((uintptr_t)function), "d"(d)
		     : "memory");
	return result;
}

void get_stats(struct hypercall_stats *stats, unsigned label)
{
	memset(stats, 0, sizeof(*stats));
	if (!hypercalls)
		return;

	intptr_t got = hypercall(HYPERCALL_GET_STATS, (uintptr_t)stats, sizeof(*stats), label);

	if (got != sizeof(*stats)) {
		print("FAIL get-stats: %ld bytes instead of %u\n", (long)got,
		      (unsigned)sizeof(*stats));
		guest_exit(1);
	}
}

/* From the entry code. */
void guest_start(uint32_t magic, const struct multiboot_info *info);

void guest_start(uint32_t magic, const struct multiboot_info *info)
{
	boot_info = info;
	if (magic == MULTIBOOT_BOOT_MAGIC && info->flags & MULTIBOOT_INFO_CMDLINE)
		command_line = (const char *)(uintptr_t)info->cmdline;
	trap_init();
	start_com1();
	find_hypervisor();
	if (magic != MULTIBOOT_BOOT_MAGIC)
		report_fail("multiboot", "eax=0x%x at entry", magic);
	guest_exit(guest_main());
}

void need_control(void)
{
	struct hypercall_stats stats;

	get_stats(&stats, 0);
	if (!hypercalls || stats.vms_running)
		return;
	print("FAIL control: this needs control=on on the module line\n");
	guest_exit(1);
}

void wait_for_peers(uint64_t peers)
{
	struct hypercall_stats stats;

	if (peers > 1)
		need_control();
	while (have_hypercalls()) {
		get_stats(&stats, 0);
		/* without those that settle, who does not run has ended: nobody else will come */
		if (!stats.vms_running || !stats.vms_settling)
			return;
		yield();
	}
}
