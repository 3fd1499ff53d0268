"""The page tables, read out of a halted machine's memory: they allow what linker.ld says."""

import os
import re
import socket
import struct
import subprocess

import pytest
from booting import BUILD
from elf import Elf

MEMORY = 64  # MiB, all of which is looked at: the tables may be anywhere
PRESENT, WRITE, LARGE, NX = 1 << 0, 1 << 1, 1 << 7, 1 << 63
UNCACHED = 1 << 3 | 1 << 4  # PWT and PCD
PAT = 1 << 7  # of a page of 4 KiB
FIRMWARE = 128 << 10  # what QEMU's BIOS keeps at the end of memory
DEVICES = {"VGA text": range(0xB8000, 0xC0000), "HPET": range(0xFED00000, 0xFED01000)}
DEVICES["local APIC"] = range(0xFEE00000, 0xFEE01000)
DEVICES["I/O APIC"] = range(0xFEC00000, 0xFEC01000)
# struct cpu_stacks of boot/cpu.h: each above its guard page
STACKS = dict.fromkeys(["NMI", "double fault", "machine check", "fault"], 0x2000)
STACKS = {"first": 0x8000, **STACKS}
START = range(0x1000, 0xA0000)  # of other CPUs, in real mode: a page in it
HALTED = "panic=halt: the machine is halted."
ADDRESS = 0x000FFFFFFFFFF000
EFER_NXE = 1 << 11
CR0_WP, CR0_PG = 1 << 16, 1 << 31


class Mapping:
    """A leaf of the tables: `size` bytes at `start`, and what all levels together allow there."""

    def __init__(self, start, size, write, execute, entry, level):
        self.start, self.size, self.write, self.execute = start, size, write, execute
        self.uncached = entry & UNCACHED == UNCACHED
        self.write_combining = level == 1 and entry & (UNCACHED | PAT) == PAT

    def __repr__(self):
        rights = "R" + "W" * self.write + "X" * self.execute + " UC" * self.uncached
        return f"{self.start:#x}+{self.size:#x} {rights}"

    def touches(self, addresses):
        return self.start < addresses.stop and addresses.start < self.start + self.size


def walk(memory, table, level=4, base=0, write=True, execute=True):
    """All leaves below the table at this physical address (SDM Vol. 3A 4.5)."""
    for index, (entry,) in enumerate(struct.iter_unpack("<Q", memory[table : table + 4096])):
        if not entry & PRESENT:
            continue
        size = 1 << (12 + 9 * (level - 1))
        start = base + index * size
        if level == 4 and index >= 256:
            start |= 0xFFFF << 48
        rights = (write and bool(entry & WRITE), execute and not entry & NX)
        if level == 1 or (level < 4 and entry & LARGE):
            yield Mapping(start, size, *rights, entry, level)
        else:
            below = entry & ADDRESS
            assert below + 4096 <= len(memory), f"a table at {below:#x}, beyond memory"
            yield from walk(memory, below, level - 1, start, *rights)


class Machine:
    def __init__(self, result):
        path = os.path.join(result.work, "memory")
        assert os.path.exists(path), result.dump
        with open(path, "rb") as file:
            memory = file.read()
        registers = {
            name: int(value, 16)
            for name, value in re.findall(r"\b(CR0|CR3|EFER)\s*=\s*([0-9a-fx]+)", result.dump)
        }
        self.cr0, self.efer = registers["CR0"], registers["EFER"]
        self.leaves = list(walk(memory, registers["CR3"] & ADDRESS))

        video = re.search(r"VGA controller(?s:.*?)memory at (0x[0-9a-f]+)", result.dump)
        self.video = int(video[1], 16)

    def at(self, addresses):
        return [leaf for leaf in self.leaves if leaf.touches(addresses)]


def boot_and_look(boot, **parameters):
    commands = ["info registers", "info pci", f'pmemsave 0 {MEMORY << 20} "memory"']
    result = boot(
        machine="tcg",
        memory=MEMORY,
        opts="panic=halt",
        until="@end status=",
        timeout=60,
        commands=commands,
        **parameters,
    )
    assert result.why == "until"
    return Machine(result)


@pytest.fixture
def machine(boot):
    return boot_and_look(boot)


@pytest.fixture(scope="module")
def image():
    return Elf(os.path.join(BUILD, "resident.elf"))


def test_the_processor_enforces_the_tables(machine):
    assert machine.cr0 & CR0_PG and machine.cr0 & CR0_WP
    assert machine.efer & EFER_NXE
    assert machine.leaves


def test_no_page_is_writable_and_executable(machine):
    assert [leaf for leaf in machine.leaves if leaf.write and leaf.execute] == []


def test_only_text_is_executable(machine, image):
    text = image.section(".text")
    outside = [
        leaf
        for leaf in machine.leaves
        if leaf.execute and not (text.start <= leaf.start and leaf.start + leaf.size <= text.stop)
    ]
    assert outside == []


@pytest.mark.parametrize(
    "section, write, execute",
    [
        (".text", False, True),
        (".rodata", False, False),
        (".data", True, False),
        (".bss", True, False),
    ],
)
def test_sections_have_their_rights(machine, image, section, write, execute):
    addresses = image.section(section)
    leaves = machine.at(addresses)
    assert leaves
    assert [leaf for leaf in leaves if (leaf.write, leaf.execute) != (write, execute)] == []


def test_page_zero_is_not_present(machine):
    assert machine.at(range(0, 4096)) == []


def test_below_each_stack_a_page_is_not_present(machine, image):
    page = image.symbols()["first_stacks"]
    for stack in STACKS:
        assert machine.at(range(page, page + 4096)) == [], stack
        leaves = machine.at(range(page + 4096, page + 4096 + STACKS[stack]))
        assert bytes_of(leaves) == STACKS[stack], stack
        page += 4096 + STACKS[stack]


def bytes_of(leaves):
    return sum(leaf.size for leaf in leaves)


@pytest.mark.parametrize("device", DEVICES)
def test_registers_of_devices_are_mapped_uncached_page_by_page(machine, device):
    leaves = machine.at(DEVICES[device])
    assert bytes_of(leaves) == len(DEVICES[device])
    assert all(leaf.size == 4096 and leaf.uncached for leaf in leaves)


def test_the_page_in_which_cpus_start_is_one_and_not_executable(machine):
    """It runs there before it has these tables."""
    leaf = machine.at(START)
    assert [(page.size, page.write, page.execute) for page in leaf] == [(4096, True, False)]


def test_a_framebuffer_is_mapped_write_combining_and_no_further_than_it_reaches(boot):
    machine = boot_and_look(boot, screen="1024x768x32")
    size = 1024 * 768 * 4
    leaves = machine.at(range(machine.video, machine.video + size))
    assert bytes_of(leaves) == size
    assert all(leaf.write_combining and leaf.write and not leaf.execute for leaf in leaves)
    assert machine.at(range(machine.video + size, machine.video + (16 << 20))) == []
    assert [leaf for leaf in machine.leaves if leaf.write_combining and leaf not in leaves] == []
    assert machine.at(DEVICES["VGA text"]) == []


def test_of_what_firmware_keeps_only_tables_can_be_read_and_nothing_written(machine):
    end = MEMORY << 20
    leaves = machine.at(range(end - FIRMWARE, end))
    assert leaves  # ACPI's tables
    assert [leaf for leaf in leaves if leaf.size != 4096 or leaf.write] == []


def test_all_free_memory_is_mapped_and_nothing_else(machine, image):
    end = (MEMORY << 20) - FIRMWARE
    memory = machine.at(range(1 << 20, end))
    # page by page it is all there, but for the guards and the gap before each section
    assert bytes_of(memory) > end - (1 << 20) - (64 << 10)
    assert all(leaf.start >= 1 << 20 and leaf.start + leaf.size <= end for leaf in memory)
    assert all(not leaf.uncached for leaf in memory)
    assert any(leaf.size == 2 << 20 for leaf in memory)
    named = [*DEVICES.values(), START, range(1 << 20, MEMORY << 20)]
    assert [
        leaf for leaf in machine.leaves if not any(leaf.touches(addresses) for addresses in named)
    ] == []


def test_memory_above_512_gib_is_mapped():
    """600 GiB, of which next to nothing is touched."""
    here, there = socket.socketpair()
    with subprocess.Popen(
        ["qemu-system-x86_64", "-accel", "tcg", "-cpu", "max", "-m", "600G", "-nodefaults"]
        + ["-object", "memory-backend-ram,id=ram,size=600G,reserve=off"]
        + ["-machine", "pc,memory-backend=ram", "-no-reboot", "-display", "none"]
        + ["-chardev", f"socket,id=monitor,fd={there.fileno()}", "-mon", "chardev=monitor"]
        + ["-serial", "stdio", "-kernel", os.path.join(BUILD, "resident32.elf")]
        + ["-append", "panic=halt"],
        pass_fds=[there.fileno()],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            there.close()
            console = []
            for line in process.stdout:
                console.append(line)
                if HALTED in line:
                    break
            assert HALTED in console[-1], console
            assert not [line for line in console if "are not used" in line]
            here.settimeout(60)
            here.sendall(b"info mem\nquit\n")
            said = b""
            while part := here.recv(1 << 16):
                said += part
        finally:
            process.kill()
            here.close()
    ranges = [
        (int(start, 16), int(end, 16))
        for start, end in re.findall(rb"([0-9a-f]{16})-([0-9a-f]{16}) ", said)
    ]
    # 4 GiB upwards goes what has no place below: the memory ends above 600 GiB
    assert any(start < 512 << 30 and end > 600 << 30 for start, end in ranges), said
