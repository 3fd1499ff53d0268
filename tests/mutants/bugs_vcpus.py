"""Bugs in what the vCPUs of one VM are to each other: their start, their messages, their time, and
their halts."""

from bug import Bug, check

BUGS = [
    Bug(
        "nmis-to-others-are-lost",
        "an NMI is delivered to each CPU that the ICR names (Vol. 3A 10.6.1)",
        "vmm/chip/lapic_inbox.c",
        "if (inbox->nmis < NMIS_MAX)",
        "if (0)",
        check("ipi-nmi", "smp"),
    ),
    Bug(
        "lowest-priority-goes-to-all",
        "a message of lowest priority is delivered to one CPU (Vol. 3A 10.6.2.4)",
        "vmm/interrupts.c",
        "if (!lowest)\n\t\t\tcontinue;",
        "if (1)\n\t\t\tcontinue;",
        check("ipi-lowest-priority", "smp"),
    ),
    Bug(
        "the-sender-gets-its-message-twice",
        "a message to all but the sender is not for it (Vol. 3A 10.6.1)",
        "vmm/interrupts.c",
        "if (vcpu == sender && (to_others || !lowest))",
        "if (vcpu == sender && !to_others && !lowest)",
        check("ipi-shorthands", "smp"),
    ),
    Bug(
        "a-start-up-message-is-kept",
        "a start-up message is for a CPU that waits for it (Vol. 3A 8.4.3)",
        "vmm/interrupts.c",
        "lapic->signals &= ~LAPIC_STARTUP;",
        "lapic->signals &= ~0u;",
        check("start-without-init", "smp"),
    ),
    Bug(
        "edx-after-init-is-zero",
        "EDX has the processor's signature after INIT (Vol. 3A table 9-1)",
        "vmm/vcpu_vmcs.c",
        "{.rdx = guest_cpuid_basic[1].eax}",
        "{.rdx = 0}",
        check("registers-after-init", "smp"),
    ),
    Bug(
        "init-clears-cd-and-nw",
        "CR0.CD and CR0.NW are as they were after INIT (Vol. 3A table 9-1)",
        "vmm/vcpu_vmcs.c",
        "(guest_cr0_read(&vcpu->fpu.cr0) & (CR0_CD | CR0_NW)) | CR0_ET,",
        "CR0_ET,",
        check("registers-after-init", "smp"),
    ),
    Bug(
        "each-vcpu-has-a-time-of-its-own",
        "the TSCs of all CPUs are in step after a reset (Vol. 3B 17.17.4)",
        "vmm/vcpu_vmcs.c",
        "vcpu_set_tsc_offset(vcpu, -vcpu->vm->tsc_start);",
        "vcpu_set_tsc_offset(vcpu, -rdtsc());",
        check("tsc-order", "smp"),
    ),
    Bug(
        "cr8-goes-to-page-0",
        "CR8 is TPR of the CPU's own APIC (Vol. 3A 10.8.6.1)",
        "vmm/vcpu_vmcs.c",
        "if (!c->apicv || vcpu->apicv.page)",
        "if (1 || vcpu->apicv.page)",
        check("own-cr8", "smp"),
    ),
    Bug(
        "a-message-wakes-nobody",
        "an interrupt from another CPU wakes one that has executed HLT (Vol. 2A HLT)",
        "vmm/request.c",
        "woken = vcpu->place.sleeper;",
        "woken = false;",
        check("halts", "smp"),
    ),
    Bug(
        "one-that-halts-for-good-ends-all",
        "a CPU that has halted for good starts again by INIT and a start-up message (Vol. 3A 8.4.3)",
        "vmm/vm_halted.c",
        "if (may_go_on(vm->vcpu[i]))",
        "if (0 && may_go_on(vm->vcpu[i]))",
        check("halted-for-good", "smp"),
    ),
]
