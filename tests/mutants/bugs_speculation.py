"""Bugs in what is done about speculation."""

from bug import Bug, unit

BUGS = [
    Bug(
        "rdcl-no-is-ignored",
        "IA32_ARCH_CAPABILITIES bit 0 says that a CPU has no L1TF (Vol. 4 table 2-2)",
        "vmx/mitigations.c",
        "if (cpu->arch_capabilities & ARCH_RDCL_NO) {",
        "if (0 & cpu->arch_capabilities & ARCH_RDCL_NO) {",
        unit("test_mitigations", "each_promise_is_believed_and_only_for_what_it_says"),
    ),
    Bug(
        "rfds-no-of-one-kind-of-core",
        "on a hybrid CPU RFDS_NO of one core is not the other's (vmx/mitigations.c)",
        "vmx/mitigations.c",
        "(cpu->arch_capabilities & ARCH_RFDS_NO) && !(cpu->leaf7_edx & LEAF7_EDX_HYBRID)",
        "(cpu->arch_capabilities & ARCH_RFDS_NO)",
        unit("test_mitigations", "each_model_gets_what_it_needs_and_no_more"),
    ),
    Bug(
        "old-ibrs-is-written-once",
        "IBRS that is not enhanced is written after each exit (Vol. 4 table 2-2)",
        "vmx/mitigations.c",
        "(enhanced ? STEP_IBRS_KEPT : 0)",
        "STEP_IBRS_KEPT",
        unit("test_mitigations", "each_model_gets_what_it_needs_and_no_more"),
    ),
    Bug(
        "spec-ctrl-takes-reserved-bits",
        "a reserved bit of IA32_SPEC_CTRL is #GP (Vol. 4 table 2-2)",
        "vmm/guest_speculation.c",
        "if (!allowed || (value & ~allowed))",
        "if (!allowed)",
        unit("test_guest_speculation", "the_first_write_is_checked_and_the_rest_pass"),
    ),
    Bug(
        "spec-ctrl-without-ibrs",
        "an MSR that CPUID does not show is #GP (Vol. 2A CPUID)",
        "vmm/guest_speculation.c",
        "if (!allowed || (value & ~allowed))",
        "if (value & ~allowed)",
        unit("test_guest_speculation", "what_is_not_switched_is_not_shown_nor_there"),
    ),
    Bug(
        "spec-ctrl-exits-again-in-x2apic-mode",
        "the MSR bitmap in use is the one that passes IA32_SPEC_CTRL (vmx/bitmaps.h)",
        "vmm/apicv.c",
        "vcpu->guest.spec_ctrl_passed));",
        "false));",
        unit("test_apicv", "what_is_switched_stays_so_in_x2apic_mode_and_out_of_it"),
    ),
]
