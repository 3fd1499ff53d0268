"""Other kernels that the Linux boot protocol starts, and what Linux prints as a guest and without us: Debian's
packages, unpacked beside the system by tools/debian. Nightly."""

import os
import re
import shutil
import subprocess

import pytest
from booting import ROOT, made_once
from emulator import Emulator
from initrd import Unpacked
from iso import make_iso_of_tree
from linux_guests import CPU, IPS, READY, WHICH, WORDS, Linux, machine_mebibytes
from machine import Machine
from records import plain

pytestmark = pytest.mark.nightly

# name in build/debian, release, package: what a boot to the shell may take, GRUB's part included
KERNELS = {
    "linux-bookworm-cloud": ("bookworm", "linux-image-cloud-amd64", 1500000000),
    "linux-bookworm": ("bookworm", "linux-image-amd64", 6500000000),
    "linux-trixie-cloud": ("trixie", "linux-image-cloud-amd64", 1500000000),
    "linux-trixie": ("trixie", "linux-image-amd64", 2000000000),
}


def unpacked(name, suite, *packages):
    command = [os.path.join(ROOT, "tools/debian"), name, suite, "", *packages]
    done = subprocess.run(command, stderr=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        pytest.skip(done.stderr.strip())
    return Unpacked(name)


def guest(boot, directory, kernel, memory=192, **parameters):
    def make(work):
        into = os.path.join(work, "initrd")
        kernel.make_initrd(into)
        return into

    initrd = made_once(directory, f"kernel-{kernel.unpacked}-{len(kernel.words)}", make)
    return boot(
        modules=[(m.path, m.words) for m in kernel.guest("a", initrd, "", memory)],
        **{
            "cpu": CPU,
            "bochs": WHICH,
            "ips": IPS,
            "memory": machine_mebibytes(kernel, initrd, 1, memory),
            "timeout": 900,
            **parameters,
        },
    )


@pytest.mark.parametrize("name", KERNELS)
def test_debians_kernels_come_to_the_shell(boot, boot_directory, name):
    suite, package, instructions = KERNELS[name]
    unpacked(name, suite, package, "busybox-static")
    kernel = Linux("uname -r", words=f"{WORDS} quiet", unpacked=name)
    result = guest(boot, boot_directory, kernel)
    assert result.status == 0
    assert result.lines("a")[-2] == READY
    assert result.one("cpu").number("tsc") < instructions


def bare(kernel, work):
    """What it prints without us, to the end of its first process."""
    tree, iso = os.path.join(work, "tree"), os.path.join(work, "boot.iso")
    os.makedirs(os.path.join(tree, "boot"))
    shutil.copyfile(kernel.kernel_file, os.path.join(tree, "boot/vmlinuz"))
    kernel.make_initrd(os.path.join(tree, "boot/initrd"))
    config = f"set timeout=0\nlinux /boot/vmlinuz {kernel.words}\ninitrd /boot/initrd\nboot\n"
    make_iso_of_tree(iso, tree, config, "linux")
    machine = Machine(memory=192, cpu=CPU, which=WHICH)
    emulator = Emulator(machine, work, iso, bad_msrs="ignore", ips=IPS)
    ending = emulator.run(400, until=READY)
    os.remove(iso)
    return plain(ending.console)


def told(lines):
    """The kernel's words: no times, and a number is a number."""
    words = (re.sub(r"^\[ *\d+\.\d+\] ", "", line.strip()) for line in lines)
    return {re.sub(r"0x[0-9a-f]+|[0-9a-f]{6,}|\d+", "N", line): line for line in words if line}


# Names of the firmware's tables, the boot loader, and what is measured.
NUMBERS = (
    r"ACPI: (RSDP|XSDT|FACP|DSDT|FACS|APIC|HPET|PM: \(|LAPIC_NMI|INT_SRC_OVR).*|.*ommand line: .*|clocksource: .*|"
    r"sched_clock: .*|x86/fpu: .*|x86/PAT: Configuration.*|rtc_cmos .*|i8042: PNP: PS/2 Controller.*|"
    r"tsc: .*|BIOS-e820.*|\S* Memory: .*|Memory: .*|Linux runs.*|.*\bloops_per_jiffy\b.*|.*BogoMIPS.*"
)


def documented():
    with open(os.path.join(ROOT, "docs/linux.md"), encoding="ascii") as file:
        block = re.search(r"<!-- lines:.*?-->\n```\n(.*?)```", file.read(), re.S)
    return "|".join(block[1].splitlines())


def test_the_guest_prints_what_a_bare_machine_prints(boot, boot_directory):
    unpacked("linux-bookworm-cloud", "bookworm", "linux-image-cloud-amd64", "busybox-static")
    kernel = Linux("true", unpacked="linux-bookworm-cloud")
    result = guest(boot, boot_directory, kernel)
    without = told(made_once(boot_directory, "bare", lambda work: bare(kernel, work)).splitlines())
    known = re.compile(rf"({NUMBERS}|{documented()})\.?")
    found = told(result.lines("a"))
    assert len(found) > 100
    assert not [
        line for key, line in found.items() if key not in without and not known.fullmatch(line)
    ]


def program(boot, name, words, **parameters):
    there = unpacked("linux-tools", "bookworm", "memtest86+", "ipxe")
    return boot(modules=[(there.only(f"boot/{name}"), words)], **parameters)


def test_memtest_finds_no_error_in_a_guests_memory(boot):
    result = program(
        boot, "memtest86+x64.bin", "name=m mem=16M -- console=ttyS0,115200", until=r"#3  \[Moving"
    )
    assert result.why == "until"
    assert "Errors: 0" in result.console
    assert not re.search(r"Errors: [1-9]|FAIL", result.console)


def test_ipxe_is_refused_for_want_of_an_entry_point(boot):
    result = program(boot, "ipxe.lkrn", "name=i --")
    assert result.one("vm", name="i", state="ended")["cause"] == "refused"
    assert "Linux header: code32_start 0x0 is below 0x100000" in result.console
