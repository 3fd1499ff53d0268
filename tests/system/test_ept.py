"""The extended page tables: what a guest's memory is cached as."""

import struct

LARGE, IGNORE_PAT, MEMORY_TYPE, WRITE_BACK = 1 << 7, 1 << 6, 7 << 3, 6 << 3
IMAGE_END = 4 << 20  # below it there are pages that the hypervisor does not map


def extended_tables(memory):
    """The leaves of each page below which memory has a whole EPT hierarchy: a page-directory-pointer
    table of one entry, in a PML4 table of one entry (rights 7, no bit of a leaf, no accessed flag
    as in a guest's own tables). By level: 1 is 2 MiB, 0 is 4 KiB."""

    def entries(address):
        return struct.unpack("<512Q", memory[address : address + 4096])

    def only_entry(address):
        first, *rest = entries(address)
        return first - 7 if first & 0xFFF == 7 and first < len(memory) and not any(rest) else None

    for page in range(IMAGE_END, len(memory), 4096):
        if memory[page] != 7 or (pointers := only_entry(page)) is None:
            continue
        if (directory := only_entry(pointers)) is None:
            continue
        below = [entry for entry in entries(directory) if entry]
        yield {
            1: [entry for entry in below if entry & LARGE],
            0: [leaf for entry in below if not entry & LARGE for leaf in entries(entry - 7) if leaf],
        }


def test_ram_is_write_back_whatever_the_guest_says(boot):
    """The tables of a guest of large and small pages, read out of the memory of a machine that is
    idle, in root mode, where Bochs' debugger sees physical addresses. Those of the guest that has
    ended may be found as well."""
    result = boot(
        modules=[("bad", "name=a mem=9M -- doze"), ("integer", "name=b mem=8M -- rounds=20")],
        memory=64,
        until=r"(?s)bad: doze.*@vm name=b state=cleared",
        commands=[f'writemem "memory" {IMAGE_END:#x} {(64 << 20) - IMAGE_END:#x}'],
    )
    assert result.why == "until"
    with open(f"{result.work}/memory", "rb") as file:
        tables = list(extended_tables(bytes(IMAGE_END) + file.read()))
    assert {1: 4, 0: 256} in [
        {level: len(leaves) for level, leaves in found.items()} for found in tables
    ]
    for leaf in [leaf for found in tables for leaves in found.values() for leaf in leaves]:
        assert leaf & MEMORY_TYPE == WRITE_BACK and leaf & IGNORE_PAT, hex(leaf)
