#include <stddef.h>

#include "boot/cpu.h"
#include "boot/fault.h"
#include "boot/machine_check.h"
#include "boot/stop.h"
#include "lib/console.h"
#include "lib/panic.h"
#include "lib/signature.h"
#include "lib/x86.h"

#define MCG_EXT_CTL_LMCE_EN BIT(0)

enum bank_register {
	MCI_CONTROL,
	MCI_STATUS,
	MCI_ADDRESS,
	MCI_MISC,
};

static unsigned int bank_count(void)
{
	return this_cpu()->injected.active ? 1 : this_cpu()->mcg_cap & MCG_CAP_COUNT;
}

static uint32_t bank_msr(unsigned int bank, enum bank_register reg)
{
	return MSR_IA32_MC0_CTL + 4 * bank + reg;
}

/* ADDR and MISC may be read where STATUS says that they are valid. */
static struct machine_check_bank read_bank(unsigned int number)
{
	struct machine_check_bank bank = {};

	if (this_cpu()->injected.active)
		return this_cpu()->injected.bank;
	bank.status = rdmsr(bank_msr(number, MCI_STATUS));
	if (!(bank.status & MCI_STATUS_VAL))
		return (struct machine_check_bank){};
	if (bank.status & MCI_STATUS_ADDRV)
		bank.address = rdmsr(bank_msr(number, MCI_ADDRESS));
	if (bank.status & MCI_STATUS_MISCV)
		bank.misc = rdmsr(bank_msr(number, MCI_MISC));
	return bank;
}

static uint64_t software_recovery(void)
{
	return this_cpu()->injected.active ? MCG_CAP_SER_P : this_cpu()->mcg_cap & MCG_CAP_SER_P;
}

static void print_bank(unsigned int number, const struct machine_check_bank *bank)
{
	log_error("  bank %u: status 0x%lx address 0x%lx misc 0x%lx (%s)", number, bank->status,
		  bank->address, bank->misc,
		  machine_check_severity_name(
			  machine_check_severity(software_recovery(), bank->status)));
}

static void clear_banks(void)
{
	for (unsigned int i = 0; i < bank_count() && !this_cpu()->injected.active; i++)
		wrmsr(bank_msr(i, MCI_STATUS), 0);
}

static void show_leftovers(void)
{
	bool told = false;

	for (unsigned int i = 0; i < bank_count(); i++) {
		struct machine_check_bank bank = read_bank(i);

		if (!(bank.status & MCI_STATUS_VAL))
			continue;
		if (!told)
			log_warning("machine-check errors from before this boot: the hardware may "
				    "be failing");
		told = true;
		print_bank(i, &bank);
	}
}

/* A CPU that is not started, or was left out, shuts down at a machine check that is sent to all. */
static void make_local(void)
{
	uint64_t feature_control;

	if (rdmsr_if_present(MSR_IA32_FEATURE_CONTROL, &feature_control) &&
	    machine_check_may_be_local(this_cpu()->mcg_cap, feature_control))
		wrmsr(MSR_IA32_MCG_EXT_CTL, MCG_EXT_CTL_LMCE_EN);
}

static void enable_banks(void)
{
	char vendor[12];

	cpuid_vendor(vendor);
	for (unsigned int i = machine_check_first_control(vendor, cpuid(1).eax); i < bank_count();
	     i++)
		wrmsr(bank_msr(i, MCI_CONTROL), ~0ull);
}

void machine_check_init_cpu(void)
{
	uint32_t features = cpuid(1).edx;

	if (features & BIT(7) && features & BIT(14) &&
	    rdmsr_if_present(MSR_IA32_MCG_CAP, &this_cpu()->mcg_cap)) {
		show_leftovers();
		clear_banks();
		wrmsr(MSR_IA32_MCG_STATUS, 0); /* a MCIP left behind would shut the CPU down */
		if (this_cpu()->mcg_cap & MCG_CAP_CTL_P)
			wrmsr(MSR_IA32_MCG_CTL, ~0ull);
		enable_banks();
		make_local();
	}
	if (features & BIT(7))
		write_cr4(read_cr4() | CR4_MCE);
}

void machine_check_inject(uint64_t mcg_status, const struct machine_check_bank *bank)
{
	this_cpu()->injected.mcg_status = mcg_status;
	this_cpu()->injected.bank = *bank;
	this_cpu()->injected.active = true;
}

struct verdict {
	uint64_t mcg_status;
	bool fatal;
	bool action_required;
};

static struct verdict judge(void)
{
	struct verdict v = {};

	if (this_cpu()->injected.active)
		v.mcg_status = this_cpu()->injected.mcg_status;
	else if (bank_count())
		v.mcg_status = rdmsr(MSR_IA32_MCG_STATUS);
	for (unsigned int i = 0; i < bank_count(); i++) {
		struct machine_check_bank bank = read_bank(i);
		enum machine_check_severity severity =
			machine_check_severity(software_recovery(), bank.status);

		v.fatal = v.fatal || severity == MACHINE_CHECK_FATAL;
		v.action_required = v.action_required || severity == MACHINE_CHECK_ACTION_REQUIRED;
	}
	/* memory that its owner lost stops the owner; nothing else explains a lost stream */
	if (!v.action_required && !(v.mcg_status & MCG_STATUS_RIPV))
		v.fatal = true;
	return v;
}

/* What ends the machine waits for nobody's turn on the console. */
static void report(const char *where, const struct verdict *v, bool ends_machine)
{
	if (ends_machine) {
		stop_other_cpus();
		console_set_sink(NULL);
	}
	log_error("machine check %s, MCG_STATUS=0x%lx", where, v->mcg_status);
	for (unsigned int i = 0; i < bank_count(); i++) {
		struct machine_check_bank bank = read_bank(i);

		if (machine_check_severity(software_recovery(), bank.status) != MACHINE_CHECK_NONE)
			print_bank(i, &bank);
	}
}

/* Every bank that requires action has an owner, who was ended. */
static bool end_owners(const struct verdict *v, machine_check_end_owner end_owner, void *arg)
{
	for (unsigned int i = 0; i < bank_count(); i++) {
		struct machine_check_bank bank = read_bank(i);
		uint64_t start, size;

		if (machine_check_severity(software_recovery(), bank.status) !=
		    MACHINE_CHECK_ACTION_REQUIRED)
			continue;
		if (!machine_check_lost_memory(&bank, &start, &size) ||
		    !end_owner(arg, start, size, v->mcg_status & MCG_STATUS_RIPV))
			return false;
	}
	return true;
}

/* Another machine check before MCIP is cleared shuts the CPU down. */
static void go_on(const struct verdict *v)
{
	clear_banks();
	if (!this_cpu()->injected.active && bank_count())
		wrmsr(MSR_IA32_MCG_STATUS, v->mcg_status & ~MCG_STATUS_MCIP);
	this_cpu()->injected.active = false;
}

void machine_check_exit(machine_check_end_owner end_owner, void *arg)
{
	struct verdict v = judge();

	report("in a guest", &v, v.fatal);
	if (v.fatal)
		panic("a machine check that the CPU cannot restart from");
	if (!end_owners(&v, end_owner, arg))
		panic("a machine check lost memory that is no running guest's");
	go_on(&v);
	if (!v.action_required)
		log_warning("the CPU can restart after this machine check: the machine goes on");
}

void machine_check_trap(const struct trap_frame *frame)
{
	struct verdict v = judge();

	report("in root mode", &v, v.fatal || v.action_required);
	if (v.fatal || v.action_required)
		fault_report(frame);
	go_on(&v);
	log_warning("the CPU can restart after this machine check: the machine goes on");
}
