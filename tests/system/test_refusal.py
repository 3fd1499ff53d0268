"""What the CPU lacks, Resident says once, with what to do: status 1. VMX (QEMU without KVM), parts
of it, 64-bit mode (old CPUs on Bochs)."""

import re

import pytest

WAYS = {
    "bios": {"firmware": "bios"},
    "uefi": {"firmware": "uefi"},
    "multiboot1": {"protocol": 1},
    "qemu-kernel": {"method": "kernel"},
}


@pytest.fixture(params=WAYS)
def refused(request, boot):
    return boot(machine="tcg", timeout=120, **WAYS[request.param])


def test_ends_with_status_1(refused):
    assert refused.why == "ended"
    assert refused.status == 1
    assert refused.message == ""
    assert refused.one("end")["status"] == "1"


def test_boot_record_says_that_there_is_no_vmx(refused):
    assert refused.one("boot")["vmx"] == "0"


def test_refuses_once_naming_vmx_and_what_to_do(refused):
    lines = [
        line
        for line in refused.console.splitlines()
        if re.search(r"VMX|VT-x", line) and not line.startswith("@")
    ]
    assert len(lines) == 1, lines
    assert re.search(r"enable|use|choose|needs|run", lines[0], re.I), lines[0]


def test_starts_no_guest(refused):
    assert refused.all("vm") == []


def test_a_cpu_without_64_bit_mode_is_told_so(boot):
    result = boot(machine="tcg", cpu="qemu32", until=r"no 64-bit mode.*needed", timeout=60)
    assert result.why == "until"


@pytest.mark.parametrize(
    "opts, timer",
    [
        ("", []),  # the local APIC's will do
        ("preemption=vmx", ["the VMX-preemption timer of preemption=vmx"]),
    ],
)
def test_all_that_an_early_vmx_cpu_lacks_is_named_at_once(boot, opts, timer):
    result = boot(
        cpu="core2_penryn_t9600", opts=opts, modules=[("integer", "name=a mem=4M -- rounds=2")]
    )
    assert (result.status, result.message) == (1, "")
    errors = [line for line in result.console.splitlines() if line.startswith("ERROR: ")]
    lacking = [
        re.fullmatch(r"ERROR: this CPU, .* lacks (.+?): (.*\b(has|use)\b.*)", line)
        for line in errors
    ]
    assert all(lacking), errors
    names = [match[1] for match in lacking]
    assert sorted(names) == [
        "EPT (extended page tables)",
        "load IA32_EFER",
        "load IA32_EFER at entry",
        "load IA32_PAT",
        "load IA32_PAT at entry",
        "save IA32_EFER",
        "save IA32_PAT",
        *timer,
        "unrestricted guest",
    ]
    assert result.one("boot").has(vmx=1, ept=0, ug=0, preemption="none" if timer else "apic")
    assert result.all("vm") == []


def test_a_cpu_without_64_bit_mode_ends_the_machine(boot):
    result = boot(cpu="core_duo_t2400_yonah", modules=[("integer", "name=a mem=4M -- rounds=2")])
    assert (result.status, result.message) == (1, "")
    assert "Resident: this CPU has no 64-bit mode" in result.console
    assert result.one("end")["status"] == "1"


def test_a_pc_halts_with_the_refusal_on_its_screen(boot):
    """QEMU that does not say it is one passes for a PC; its exit port is there all the same."""
    result = boot(
        machine="tcg",
        cpu="max,hypervisor=off",
        method="kernel",
        until="the machine is halted",
        timeout=60,
        commands=["xp /4000c 0xb8000"],
    )
    assert result.why == "until"
    assert result.one("boot")["machine"] == "pc"
    assert result.console.rstrip().splitlines()[-2:] == [
        "@end status=1",
        "panic=halt: the machine is halted.",
    ]
    screen = "".join(re.findall(r"'(.)' '\\x", result.dump))
    assert "VT-x" in screen and "the machine is halted" in screen


@pytest.mark.parametrize(
    "modules, message",
    [
        ((), "there are no guests"),
        ([("integer", "name=a mem=1M -- rounds=2")], "ERROR: a: not started"),
        ([("integer", "name=a mem=4096M -- rounds=2")], "ERROR: a: not started"),
    ],
)
def test_where_no_guest_ever_ran_the_message_stays_on_the_screen(boot, modules, message):
    """As after any refusal: panic= says what the machine does, and a PC halts."""
    result = boot(opts="panic=halt", modules=modules, until="the machine is halted", timeout=60)
    assert result.why == "until"
    assert message in result.console
    assert result.console.count("@end status=1") == 1
    assert result.console.rstrip().endswith("panic=halt: the machine is halted.")


def test_where_one_guest_ran_the_machine_ends(boot):
    modules = [
        ("integer", "name=a mem=4M -- rounds=2"),
        ("integer", "name=b mem=1M -- rounds=2"),
    ]
    result = boot(opts="panic=halt", modules=modules)
    assert (result.why, result.status) == ("ended", 1)
    assert result.one("vm", name="a", state="ended")["status"] == "0"
    assert "panic=halt" not in result.console
