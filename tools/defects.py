"""What each Bochs gets wrong, as data: a test asks Bochs.has() instead of holding silently for one
version. What is no defect is not here, nor what no test meets."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Defect:
    """Wrong from version `since` on, right again from `mended` on (None: not yet)."""

    what: str
    since: tuple = (2, 7)
    mended: tuple = None

    def there(self, version):
        return version >= self.since and not (self.mended and version >= self.mended)


# The oldest version that this project knows is 2.7.
DEFECTS = {
    "interrupt-exit-if0": Defect(
        "an external-interrupt exit is lost if the guest was entered with IF=0"
    ),
    "xsavec-xsaves": Defect(
        "XSAVEC and XSAVES write AVX state over the header, and XRSTOR then faults", mended=(3, 0)
    ),
    "compact-mxcsr": Defect(
        "XRSTOR of a compacted image with SSE in its initial configuration leaves MXCSR alone",
        since=(3, 0),
        mended=(3, 1),
    ),
    "init-zmm-upper": Defect(
        "XRSTOR that makes AVX initial zeroes bits 511:256 as well", mended=(3, 1)
    ),
    # In 3.1's bochs/cpu/xsave.cc: xsave_tiledata_state_xinuse(), xsave_tiledata_state(),
    # xsave_tilecfg_state(); the last in fetchdecode_opmap_avx.cc. docs/amx.md
    "amx-xsave": Defect(
        "XINUSE says the opposite of TILEDATA, XSAVE and XRSTOR leave out rows 8 to 15 of tiles and "
        "change the rows of TILECFG for bytes of a row, and STTILECFG takes VEX.W=1 only",
        since=(3, 0),
    ),
    "monitor-trap-lost": Defect("the monitor trap flag is offered, and never exits", mended=(3, 0)),
    "code-breakpoint-lost": Defect(
        "code breakpoints are lost after a change of virtual CPU", mended=(3, 1)
    ),
    "exception-exit-mov-ss": Defect(
        "an exit by an exception loses MOV SS blocking and the debug exception that it holds",
        mended=(3, 0),
    ),
    "cet-read-only-dirty": Defect(
        "a write to a read-only page with CR0.WP clear ends Bochs if the CPU has CET: OVMF does it",
        since=(3, 0),
        mended=(3, 1),
    ),
    "entry-cpl-of-cs": Defect(
        "VM entry takes the CPL from the RPL of CS instead of the DPL of SS", mended=(3, 0)
    ),
    "task-exit-mov-ss": Defect(
        "an exit by a task switch loses MOV SS blocking and the debug exception that it holds"
    ),
    # A matter of the compiler: bochs-emu/Bochs issue 668. Linux does not boot.
    "idiv-64": Defect(
        "IDIV of 64 bits gives what is not initialized, as Debian's 3.1 is built", since=(3, 1)
    ),
    "entry-57-bits": Defect(
        "VM entry refuses an address that is canonical in 57 bits only, as WRMSR took it",
        since=(3, 1),
    ),
    "apic-off-for-good": Defect("a local APIC that IA32_APIC_BASE has switched off stays so"),
    "apic-disabled-accepts": Defect("a local APIC that is software-disabled accepts IPIs"),
    "apic-illegal-vector": Defect("to send an illegal vector makes no error interrupt"),
    "x2apic-reserved": Defect("SELF IPI takes what has reserved bits set"),
    "x2apic-icr": Defect(
        "in x2APIC mode the interrupt command register does not read as written", mended=(3, 1)
    ),
    "tsc-deadline-stays": Defect("IA32_TSC_DEADLINE keeps its value after the timer has expired"),
    "tsc-deadline-adjust": Defect(
        "an armed TSC deadline comes when it would have come before IA32_TSC_ADJUST was written"
    ),
    "lint0-unmasked": Defect("LINT0 does not keep the 8259's interrupt from the CPU"),
    "ioapic-remote-irr": Defect(
        "the I/O APIC has no remote IRR, and a level that stays asserted is not sent again by EOI"
    ),
    "init-edx": Defect("INIT leaves 0 in EDX instead of the processor's signature"),
    # It goes on after the jump out of the delivery without noting the new RIP.
    "smp-exception-exit": Defect(
        "with several CPUs an exit by NMI, preemption timer or monitor trap flag right after an "
        "exception of the guest saves the RIP before it"
    ),
    "smp-sti-window": Defect(
        "with several CPUs an interrupt-window exit can come between STI and the next instruction: "
        "what is delivered there wakes no HLT"
    ),
}


@dataclass(frozen=True)
class EntryDefect(Defect):
    """Of a VMCS that breaks a rule of VM entry, a row of tools/entry-checks: what Bochs says, where the
    manual says that the entry fails."""

    says: str = "enters"


ENTRY_DEFECTS = {
    "event-error-code-extra/2": EntryDefect(
        "a CPU with CET injects any event with an error code, not only hardware exceptions"
    ),
    "entry-to-smm": EntryDefect(
        '"entry to SMM" outside of SMM is found with the guest state only', says="33"
    ),
    "activity-sipi-smm": EntryDefect("the same", says="33"),
    "blocking-smi-entry": EntryDefect("the same", says="33"),
    "host-cr4-cet": EntryDefect('CR4.CET without CR0.WP is found with "load CET state" only'),
    "host-perf-global-ctrl": EntryDefect("IA32_PERF_GLOBAL_CTRL is not looked at"),
    "host-pkrs": EntryDefect("the upper half of IA32_PKRS is not looked at"),
    "guest-debugctl": EntryDefect("reserved bits of IA32_DEBUGCTL are not looked at"),
    "guest-cr0-ia32e": EntryDefect("an unrestricted guest in IA-32e mode needs no paging"),
    "guest-perf-global-ctrl": EntryDefect("IA32_PERF_GLOBAL_CTRL is not looked at"),
    "guest-pkrs": EntryDefect("the upper half of IA32_PKRS is not looked at"),
    "rip-width": EntryDefect("RIP of a 64-bit guest is not looked at"),
    "rflags-vm": EntryDefect("RFLAGS.VM is allowed in real mode"),
    "activity-hlt-event": EntryDefect("any event wakes a guest from HLT"),
    "blocking-nmi": EntryDefect(
        "an NMI is injected where virtual NMIs are blocked", mended=(3, 1)
    ),
    "pending-debug-reserved/2": EntryDefect("bits 63:32 of it are not looked at"),
    "pending-debug-bs-1": EntryDefect("BS is not compared with RFLAGS.TF"),
    "pending-debug-bs-0": EntryDefect("BS is not compared with RFLAGS.TF"),
}


ACTIVE = "KVM enters with the active state whatever is asked, and waits itself afterwards"
BOCHS = "KVM leaves it to the CPU, which is Bochs 3.0: "


def not_looked_at(name):
    return BOCHS + ENTRY_DEFECTS[name].what


# The same rows under Linux's KVM, as its guest sees them: what enters though the manual says that it
# fails. KVM does not look at all that it is given, and what it does not hand on no CPU can refuse.
KVM_ENTERS = {
    "rip-width": not_looked_at("rip-width"),
    "rflags-vm": not_looked_at("rflags-vm"),
    "activity-hlt-dpl": ACTIVE,
    "activity-blocked": ACTIVE,
    "activity-hlt-event": ACTIVE,
    "activity-sipi-event": ACTIVE,
    "blocking-nmi": not_looked_at("blocking-nmi"),
    "pending-debug-reserved/2": not_looked_at("pending-debug-reserved/2"),
    "pending-debug-bs-1": not_looked_at("pending-debug-bs-1"),
    "pending-debug-bs-0": not_looked_at("pending-debug-bs-0"),
    "link-current": "KVM does not compare it, and gives the CPU a VMCS of its own",
}
