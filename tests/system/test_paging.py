"""The page tables, read out of a halted machine's memory: they allow what linker.ld says."""

import os
import re
import struct

import pytest
from booting import BUILD
from elf import Elf

MEMORY = 64  # MiB, all of which is looked at: the tables may be anywhere
PRESENT, WRITE, LARGE, NX = 1 << 0, 1 << 1, 1 << 7, 1 << 63
ADDRESS = 0x000FFFFFFFFFF000
EFER_NXE = 1 << 11
CR0_WP, CR0_PG = 1 << 16, 1 << 31


class Mapping:
    """A leaf of the tables: `size` bytes at `start`, and what all levels together allow there."""

    def __init__(self, start, size, write, execute):
        self.start, self.size, self.write, self.execute = start, size, write, execute

    def __repr__(self):
        rights = "R" + "W" * self.write + "X" * self.execute
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
            yield Mapping(start, size, *rights)
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

    def at(self, addresses):
        return [leaf for leaf in self.leaves if leaf.touches(addresses)]


@pytest.fixture
def machine(boot):
    commands = ["info registers", f'pmemsave 0 {MEMORY << 20} "memory"']
    result = boot(
        machine="tcg",
        memory=MEMORY,
        opts="panic=halt",
        until="@end status=",
        timeout=60,
        commands=commands,
    )
    assert result.why == "until"
    return Machine(result)


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


def test_stack_guards_are_not_present(machine, image):
    guards = {name: value for name, value in image.symbols().items() if name.endswith("_guard")}
    assert len(guards) >= 2, guards
    assert {
        name: machine.at(range(value, value + 4096)) for name, value in guards.items()
    } == dict.fromkeys(guards, [])
