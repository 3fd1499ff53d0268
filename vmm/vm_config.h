/*
 * A VM's configuration, from the command line of its boot module:
 *
 *	[FILE] name=g mem=64M vcpus=1 cpus=0+2-3 trust=lab halt=ok limit=MS runs=N control=on
 *		argv0=on holes=end irq0=on -- guest command line
 *	[FILE] of=g -- module command line
 *
 * GRUB leaves the file name out, other loaders keep it as the first word. What follows " -- " is
 * the guest's, as it stands, quotes included.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define VM_NAME_SIZE	32
#define VM_CMDLINE_SIZE 512
#define VM_VCPUS_MAX	16

struct refusal;

struct vm_config {
	char name[VM_NAME_SIZE];  /* else the file's base name without extension, else empty */
	uint64_t memory;	  /* bytes: 1 MiB to 16 TiB, whole pages; 64 MiB */
	uint32_t vcpus;		  /* up to VM_VCPUS_MAX; 1 */
	uint64_t cpus;		  /* bit n: may run on physical CPU n; all */
	char trust[VM_NAME_SIZE]; /* trust domain; empty: its own */
	char of[VM_NAME_SIZE];	  /* not a VM but a module of the VM of this name; empty: a VM */
	bool halt_ok;		  /* ending by a halt for ever is success */
	uint64_t limit_ms;	  /* CPU time, up to a year, after which the VM is ended; 0: none */
	uint32_t runs;		  /* how often it is made and run, one after the other: 1 */
	bool holes_end;		  /* an access to memory that is not there ends the VM */
	bool irq0;		  /* the timer's interrupt is unmasked from the start */
	bool control;		  /* may see the whole CPU's statistics, and set its FPU policy */
	bool argv0;		  /* its command line begins with its name, as a word of its own */
	char cmdline[VM_CMDLINE_SIZE];
};

/*
 * Returns 0; or -EINVAL, with a refusal. config then holds no more than what stood before the
 * mistake. Any context.
 */
int vm_config_parse(struct vm_config *config, const char *line, struct refusal *refusal);
