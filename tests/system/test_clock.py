"""What the TSC is measured against, and what wakes an idle CPU: each clock by itself, and machines
that lack one."""

import os
import struct
import subprocess

import pytest
from booting import BUILD

IDLING = ("fpu-hold", "name=a mem=8M -- rounds=20 seed=1 via=hlt")
BOCHS_KHZ = 10000  # ips of tools/emulator.py; with UEFI less
BOCHS_UEFI_KHZ = 4000
QEMU_KHZ = 1000000  # with -icount the TSC is the virtual clock's nanoseconds
LIMIT = 60  # seconds, only against a hang


def about(khz):
    return pytest.approx(khz, rel=0.001)


@pytest.mark.parametrize("timer", ["apic", "pit"])
@pytest.mark.parametrize("clock", ["pit", "hpet", "pm"])
def test_each_clock_finds_the_frequency_and_an_idle_cpu_is_woken(boot, clock, timer):
    result = boot(opts=f"clock={clock} timer={timer}", modules=[IDLING])
    assert result.status == 0
    record = result.one("boot")
    assert (record["clock"], record["timer"]) == (clock, timer)
    assert record.number("tsc_khz") == about(BOCHS_KHZ)
    cpu = result.one("cpu", cpu=0)
    assert cpu.number("idles") >= 20
    assert cpu.number("interrupts") >= cpu.number("idles")


def test_cpuid_is_asked_where_that_is_wanted(boot):
    result = boot(opts="clock=cpuid", modules=[("integer", "name=a mem=4M -- rounds=2")])
    assert result.status == 0
    # what the real part has, not the emulated one
    assert result.one("boot")["clock"] == "cpuid"
    assert result.one("boot").number("tsc_khz") > 1000000


@pytest.mark.parametrize("clock", ["hpet", "pm"])
def test_firmware_without_acpi_tables_has_neither_of_its_clocks(boot, clock):
    result = boot(firmware="uefi", opts=f"clock={clock}", modules=[IDLING])
    assert result.status == 0
    assert f"clock={clock}: there is none that counts" in result.console
    assert result.one("boot")["clock"] == "pit"
    assert result.one("boot").number("tsc_khz") == about(BOCHS_UEFI_KHZ)


def qemu(lacking="", options="", cpu="max", extra=(), leaves=""):
    """The lines up to the refusal (QEMU has no VMX) and the @boot record, on a machine that lacks
    something. Its time is that of the instructions it runs."""
    kernel = os.path.join(BUILD, "resident32.elf")
    start = ["-kernel", kernel, "-append", options]
    if leaves:  # tests/guest/preboot.c goes before
        stub = os.path.join(BUILD, "guest", "preboot.elf")
        start = ["-kernel", stub, "-append", leaves, "-initrd", f"{kernel} {options}"]
    done = subprocess.run(
        ["qemu-system-x86_64", "-accel", "tcg", "-icount", "shift=3,sleep=off"]
        + ["-machine", "pc" + lacking, "-cpu", cpu, "-m", "64", "-nodefaults", "-no-reboot"]
        + ["-display", "none", "-serial", "stdio", "-device", "isa-debug-exit,iobase=0xf4,iosize=4"]
        + [*start, *extra],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        timeout=LIMIT,
        check=False,
        text=True,
    )
    lines = done.stdout.splitlines()
    (record,) = [line for line in lines if line.startswith("@boot ")]
    assert "@end status=1" in lines
    return done.stdout, dict(word.split("=", 1) for word in record.split()[1:])


@pytest.mark.parametrize(
    "lacking, clock", [("", "pit"), (",pit=off", "hpet"), (",pit=off,hpet=off", "pm")]
)
def test_a_clock_that_is_not_there_is_passed_over(lacking, clock):
    text, record = qemu(lacking)
    assert record["clock"] == clock
    assert int(record["tsc_khz"]) == about(QEMU_KHZ)
    assert record["timer"] == "apic"
    assert "warning: " not in text


@pytest.mark.parametrize(
    "address",
    [
        0x600000000000,  # above what the CPU has (MAXPHYADDR)
        1 << 63,
        0x100,  # in page 0
        (1 << 64) - 0x100,  # over the end
    ],
)
def test_an_hpet_at_an_address_that_cannot_be_is_passed_over(tmp_path, address):
    """The page tables' entry for it would have reserved bits set, or let null pointers through."""
    table = struct.pack("<4sIBB6s8sI4sI", b"HPET", 56, 1, 0, b"TEST  ", b"TEST    ", 1, b"TEST", 1)
    table += struct.pack("<IBBBBQBHB", 0x8086A201, 0, 64, 0, 0, address, 0, 100, 0)
    path = tmp_path / "hpet.bin"
    path.write_bytes(table)
    record = qemu(",pit=off,hpet=off", extra=["-acpitable", f"file={path}"])[1]
    assert record["clock"] == "pm"


@pytest.mark.parametrize("clock", ["hpet", "pm"])
def test_a_clock_that_is_wanted_is_taken_if_it_counts(clock):
    text, record = qemu(options=f"clock={clock}")
    assert record["clock"] == clock
    assert int(record["tsc_khz"]) == about(QEMU_KHZ)
    text, record = qemu(",pit=off,hpet=off,acpi=off", f"clock={clock}")
    assert f"clock={clock}: there is none that counts" in text


def test_without_any_clock_the_frequency_is_assumed_and_said_to_be():
    text, record = qemu(",pit=off,hpet=off,acpi=off")
    assert record["clock"] == "none"
    assert "frequency cannot be found out" in text


def test_an_8254_that_does_not_interrupt_wakes_nobody():
    text, record = qemu(",pit=off", "timer=pit")
    assert record["timer"] == "apic"
    assert "timer=pit: it does not interrupt, apic is taken" in text


def test_interrupts_of_a_device_that_firmware_left_on_are_not_taken_for_the_timers():
    """Messages of the HPET, each millisecond, while the 8254 is dead."""
    text, record = qemu(
        ",pit=off",
        "timer=pit",
        extra=["-global", "hpet.msi=on"],
        # timer 0: message, periodic, enabled; its period, data, address; and the counter
        leaves="mem=fed00110:60 mem=fed00114:fee00000 mem=fed00100:404c mem=fed00108:186a0"
        " mem=fed00010:1",
    )
    assert "interrupt vector 0x60 from a device that nobody drives: ignored" in text
    assert record["timer"] == "apic"
    assert "timer=pit: it does not interrupt, apic is taken" in text


def test_without_a_local_apic_the_8254_is_taken():
    text, record = qemu("", "timer=apic", "max,-apic")
    assert record["timer"] == "pit"
    assert "timer=apic: it does not interrupt, pit is taken" in text
    assert qemu(",pit=off", "", "max,-apic")[1]["timer"] == "none"
