"""The extended page tables: what a guest's memory is cached as, and by which pages it executes."""

import re
import struct

import pytest

REGIONS = "name=a mem=32M runs=2 -- code=3"
KERNEL, CROSSING = 1, 2  # 2-MiB regions that hold the kernel, and the instruction across two

LARGE, IGNORE_PAT, MEMORY_TYPE, WRITE_BACK = 1 << 7, 1 << 6, 7 << 3, 6 << 3
IMAGE_END = 4 << 20  # below it there are pages that the hypervisor does not map


def verdicts(result):
    return [line for line in result.lines("a") if re.match("PASS|FAIL|SKIP|RESULT", line)]


def pages(record):
    return [record.number(f"pages_{size}") for size in ("1g", "2m", "4k")]


@pytest.mark.parametrize("bits", ["", "32"])
def test_only_the_2m_regions_that_a_guest_fetches_from_are_split(boot, bits):
    result = boot(opts="multihit=split", modules=[("regions" + bits, REGIONS)])
    assert result.status == 0
    assert result.lines("a").count("PASS regions") == 2
    assert result.one("boot")["ept_split"] == "on"
    splits = KERNEL + 3 + CROSSING
    ends = [record for record in result.all("ept", vm="a") if "splits" in record]
    assert len(ends) == 2  # a new run begins with large pages again
    for record in ends:
        assert record.number("splits") == splits
        assert pages(record) == [0, 16 - splits, 512 * splits]
    for record in result.all("exit", vm="a", reason="ept-violation"):
        assert record.number("count") == splits


def test_nothing_is_split_where_the_cpu_is_not_affected_or_it_is_forbidden(boot):
    for cpu, opts, verdict in (
        ("tigerlake", "", "unaffected"),
        ("corei7_haswell_4770", "multihit=off", "affected"),
    ):
        result = boot(cpu=cpu, opts=opts, modules=[("regions", REGIONS)])
        assert result.status == 0
        record = result.one("boot")
        assert (record["multihit"], record["ept_split"]) == (verdict, "off")
        assert not result.all("exit", vm="a", reason="ept-violation")
        assert ("CVE-2018-12207" in result.console) == (verdict == "affected")


def test_an_affected_cpu_splits_by_itself(boot):
    result = boot(cpu="corei7_haswell_4770", modules=[("regions", REGIONS)])
    assert result.status == 0
    record = result.one("boot")
    assert (record["multihit"], record["ept_split"]) == ("affected", "on")
    assert result.all("exit", vm="a", reason="ept-violation")
    assert "CVE-2018-12207" not in result.console


@pytest.mark.parametrize("bits", ["", "32"])
def test_a_fetch_from_where_there_is_no_memory_still_ends_the_guest(boot, bits):
    result = boot(opts="multihit=split", modules=[("bad" + bits, "name=bad mem=9M holes=end -- unmapped")])
    assert result.one("vm", name="bad", state="ended")["cause"] == "ept-violation"
    assert "read at guest-physical 0x20000000, where nothing is" in result.console


def test_every_kind_of_exit_is_as_it_is_on_large_pages(boot):
    modules = [
        ("exits", "name=a mem=8M control=on -- control peers=2"),
        ("clobber", "name=b mem=8M control=on -- seed=3"),
    ]
    large, small = (boot(opts=f"multihit={how}", modules=modules) for how in ("off", "split"))
    assert small.status == large.status == 0
    assert verdicts(small) == verdicts(large)
    assert small.one("exit", vm="a", reason="ept-violation").number("count") >= 1


def extended_tables(memory):
    """The leaves of each page below which memory has a whole EPT hierarchy: a
    page-directory-pointer table of one entry (beside that of the local APIC's page, in the fourth
    gigabyte), in a PML4 table of one entry (rights 7, no bit of a leaf, no accessed flag as in a
    guest's own tables). By level: 1 is 2 MiB, 0 is 4 KiB."""

    def entries(address):
        return struct.unpack("<512Q", memory[address : address + 4096])

    def only_entry(address, beside=None):
        first, *rest = entries(address)
        others = any(entry for index, entry in enumerate(rest, 1) if index != beside)
        return first - 7 if first & 0xFFF == 7 and first < len(memory) and not others else None

    for page in range(IMAGE_END, len(memory), 4096):
        if memory[page] != 7 or (pointers := only_entry(page)) is None:
            continue
        if (directory := only_entry(pointers, beside=3)) is None:
            continue
        below = [entry for entry in entries(directory) if entry]
        yield {
            1: [entry for entry in below if entry & LARGE],
            0: [
                leaf for entry in below if not entry & LARGE for leaf in entries(entry - 7) if leaf
            ],
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
