"""What firmware leaves in a CPU's registers does not keep Resident from starting, and is not what
it runs with."""

import os
import re

from booting import BUILD
from elf import Elf
from preboot import boot_after

GUESTS = [("integer", "name=a mem=4M -- rounds=2"), ("own-ts", "name=b mem=8M")]

LA57 = "cr4=1000"
LIMITS = "msr=1a0:400400000"  # NX and CPUID's leaves above 3 are off
# WP first, without which CET cannot be; MCE stays as it is
BITS = "cr0=10000 cr4=f50fbf cr0=60040024 msr=c0000080:801 flags=47400"


def breakpoints():
    """On the first push of the hypervisor, which has no IDT then."""
    symbols = Elf(os.path.join(BUILD, "resident.elf")).symbols()
    top = symbols["first_stacks"] + 4096 + 0x8000  # boot/cpu.h: a guard page, the stack
    return f"dr0={top - 4:x} dr7=d0003"


def test_la57_left_on_does_not_end_the_boot_before_its_first_line(tmp_path):
    result = boot_after(tmp_path, LA57, kind="tcg")
    assert (result.status, result.message) == (1, "")
    assert result.one("boot")["vmx"] == "0"
    assert "ERROR: this machine has no VMX" in result.console


def test_guests_run_as_ever_whatever_is_left_on(tmp_path):
    result = boot_after(tmp_path, f"{BITS} {breakpoints()}", modules=GUESTS)
    assert (result.status, result.message) == (0, "")


def test_the_control_registers_are_set_not_changed(tmp_path, boot):
    def registers(console):
        found = dict(re.findall(r"\b(CR0|CR4|RFLAGS) +([0-9a-f]{16})\b", console))
        assert len(found) == 3
        return found

    left = boot_after(tmp_path, BITS, opts="crash=pagefault", modules=GUESTS)
    usual = boot(opts="crash=pagefault", modules=GUESTS)
    assert registers(left.console) == registers(usual.console)


def test_nx_and_cpuid_leaves_that_firmware_switched_off_are_switched_on(tmp_path):
    """QEMU keeps the register, but does not do what it says."""
    result = boot_after(tmp_path, LIMITS, kind="tcg", cpu="max,vendor=GenuineIntel,family=6,model=94")
    assert result.message == ""
    said = "firmware had switched off NX and CPUID leaves above 3 (IA32_MISC_ENABLE=0x400440001)"
    assert said + ": undone" in result.console


def test_no_such_register_is_touched_on_another_makers_cpu(tmp_path):
    result = boot_after(tmp_path, LIMITS, kind="tcg", cpu="max,vendor=AuthenticAMD")
    assert result.message == ""
    assert "switched off" not in result.console


def test_a_cpu_without_nx_is_told_so(boot):
    result = boot(machine="tcg", cpu="max,nx=off", method="kernel", timeout=60)
    assert (result.status, result.message) == (1, "")
    assert re.search("^ERROR: this CPU has no NX .*: enable Execute Disable", result.console, re.M)
