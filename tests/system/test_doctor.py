"""The doctor tells what a machine has, for every CPU, and says of guests what the boot does."""

import os
import re

import pytest
from booting import BUILD
from emulator import Emulator
from iso import grub_config, make_iso_of_tree
from machine import Machine
from models import needs_model
from preboot import boot_after
from records import plain, records

GUEST = [("integer", "name=a mem=4M -- rounds=2")]
LOCKED_OFF = "bank=3a:1"  # IA32_FEATURE_CONTROL

RUNS = {
    "all": {},
    "no-apicv": {"cpu": "corei7_haswell_4770"},
    "no-xsave": {"cpu": "corei5_arrandale_m520"},
    "two": {"cpus": 2},
}
DOES_NOT = {
    "early-vmx": {"cpu": "core2_penryn_t9600"},
    "no-vmx": {"cpu": "p4_prescott_celeron_336"},
    "amd": {"cpu": "ryzen"},
    "tcg": {"machine": "tcg", "method": "kernel"},
    "tcg-amd": {"machine": "tcg", "cpu": "EPYC", "cpus": 2},
    "no-nx": {"machine": "tcg", "cpu": "max,nx=off", "method": "kernel"},
}
FIELDS = "cpu family model stepping microcode cpus vmx ept ug apicv xsave lazyfp multihit firmware"


def missing(result):
    """What is required, and not there."""
    return {cap["name"] for cap in result.all("cap", required=1, there=0) if cap["verdict"] != "unknown"}


def page(console):
    """The lines of the page, and what follows it."""
    return console[console.index("What this machine has.") :].rstrip().splitlines()


def last_line(console):
    line = next(line for line in page(console) if re.match(r"Resident \S+ doctor: ", line))
    found = re.findall(r'(\w+)=("[^"]*"|\S+)', line)
    assert [key for key, _ in found] == [*FIELDS.split(), "machine", "verdict"]
    return {key: value.strip('"') for key, value in found}


@pytest.mark.parametrize("way", RUNS)
def test_it_says_that_guests_run_where_they_do(boot, way):
    result = boot(opts="doctor", **RUNS[way])
    assert (result.why, result.status, result.message) == ("ended", 0, "")
    assert missing(result) == set()
    assert last_line(result.console)["verdict"] == "runs"
    assert result.all("vm") == result.all("boot") == []
    assert boot(modules=GUEST, **RUNS[way]).status == 0


@pytest.mark.parametrize("way", DOES_NOT)
def test_it_says_that_none_do_where_the_boot_refuses(boot, way):
    result, refused = (boot(opts=opts, timeout=60, **DOES_NOT[way]) for opts in ("doctor", ""))
    assert (result.why, result.status, result.message) == ("ended", 1, "")
    assert (refused.status, refused.message) == (1, "")
    assert missing(result)
    assert last_line(result.console)["verdict"].startswith("does not run: ")
    assert any(line.startswith("do    ") for line in page(result.console))


def test_what_is_missing_is_what_the_boot_names(boot):
    """A row is a line of the boot's: there are as many, and each name is of a row."""
    cpu = DOES_NOT["early-vmx"]
    refused = boot(modules=GUEST, **cpu)
    errors = [line for line in refused.console.splitlines() if line.startswith("ERROR: ")]
    assert missing(boot(opts="doctor", **cpu)) == {
        "ept",
        "ug",
        "save-pat",
        "load-pat",
        "save-efer",
        "load-efer",
        "entry-pat",
        "entry-efer",
    }
    assert len(errors) == 8


def test_without_vmx_no_msr_of_it_is_touched_and_the_rest_is_unknown(boot):
    for way in ("no-vmx", "amd"):
        result = boot(opts="doctor", **DOES_NOT[way])
        assert missing(result) == {"vmx"}
        assert result.one("cap", name="ept")["verdict"] == "unknown"
        assert result.one("cap", name="mds_no")["verdict"] == "unknown"
    assert result.one("cap", name="vendor")["text"] == "AuthenticAMD"


def test_what_a_cpu_has_is_told_with_its_value(boot):
    result = boot(opts="doctor")
    assert result.one("cap", name="ept").has(cpu="all", required=1, there=1, verdict="ok")
    assert result.one("cap", name="vt-x").number("value") == 5
    assert result.one("cap", name="apic")["text"] == "xapic"
    assert result.one("cap", name="uses", group="fpu")["text"].startswith("xsave")
    assert result.one("cap", name="khz", group="tsc").number("value") > 1000
    ranges = result.all("memory")
    assert ranges and all(r.number("start") < r.number("end") for r in ranges)
    names = {cap["name"] for cap in result.all("cap", group="acpi")}
    assert {"FACP", "APIC", "HPET"} <= names
    assert last_line(result.console)["firmware"] == "bios"


def test_each_speculation_bit_is_told_and_what_it_means_here(boot):
    result = boot(opts="doctor")
    word = result.one("cap", name="rdcl_no").number("value")
    told = result.one("cap", name="arch_capabilities").has(there=1)
    assert (result.one("cap", name="mds_no")["verdict"] == "unknown") != told
    assert told == (f"IA32_ARCH_CAPABILITIES=0x{word:x}," in result.console)
    bits = {"rdcl_no": 0, "ibrs_all": 1, "mds_no": 5, "taa_no": 8, "gds_no": 26, "its_no": 62}
    for name, bit in bits.items():
        assert result.one("cap", name=name).number("there") == word >> bit & 1
        if bit != 1:
            assert re.search(rf"^  {name} +\S.*$", result.console, re.M)


@pytest.mark.parametrize("way", [*RUNS, *DOES_NOT])
def test_the_page_fits_a_screen(boot, way):
    """25 rows of 80 columns, the last of which is where the cursor is; a PC prints that it halts."""
    options = RUNS.get(way) or DOES_NOT.get(way) or {}
    lines = page(boot(opts="doctor", timeout=60, **options).console)
    assert lines[-1].startswith("@end status=")
    assert all(len(line) < 80 for line in lines[:-2])
    rows = [*lines, "panic=halt: the machine is halted."]
    assert sum(max(1, -(-len(line) // 80)) for line in rows) <= 24


def test_a_pc_halts_with_the_page_on_its_screen(boot):
    """QEMU that does not say it is one passes for a PC; its exit port is there all the same."""
    result = boot(
        machine="tcg",
        cpu="max,hypervisor=off",
        method="kernel",
        opts="doctor",
        until="the machine is halted",
        timeout=60,
        commands=["xp /4000c 0xb8000"],
    )
    assert result.why == "until"
    screen = "".join(re.findall(r"'(.)' '\\x", result.dump))
    assert screen.startswith("Resident") or "What this machine has." in screen
    for words in ("needs !vmx", "do    vmx", "verdict=", "the machine is halted"):
        assert words in screen, words


def after_uefi(tmp_path, opts):
    """The BIOS of Bochs locks VT-x on; after UEFI it is open, and a stub can lock it."""
    return boot_after(tmp_path, LOCKED_OFF, firmware="uefi", opts=opts, modules=GUEST)


def test_vt_x_that_firmware_locked_off_is_told_also_without_acpi(tmp_path):
    result = after_uefi(tmp_path, "doctor")
    assert (result.status, result.message) == (1, "")
    assert missing(result) == {"vt-x"}
    assert result.one("cap", name="vt-x").has(verdict="off", value="0x1")
    assert result.one("cap", name="tables", group="acpi").number("value") == 0
    assert last_line(result.console)["verdict"] == "does not run: vt-x is off"
    assert "do    vt-x - enable it in the BIOS setup" in result.console


@pytest.mark.nightly
def test_vt_x_that_firmware_locked_off_is_refused_by_the_boot(tmp_path):
    result = after_uefi(tmp_path, "")
    assert (result.status, result.message) == (1, "")
    assert re.search(r"^ERROR: VT-x is disabled by firmware: .*=0x1\)$", result.console, re.M)


@pytest.mark.nightly
def test_after_uefi_vt_x_is_left_open(boot):
    result = boot(opts="doctor", firmware="uefi")
    assert (result.status, result.message) == (0, "")
    assert result.one("cap", name="tables", group="acpi").number("value") == 0
    assert result.one("cap", name="vt-x-open").has(there=1)
    assert last_line(result.console)["firmware"] == "uefi"


def test_each_cpu_is_told_of_once_and_only_where_it_is_different(boot):
    result = boot(opts="doctor", **RUNS["two"])
    assert result.one("cap", name="ept").has(cpu="all")
    assert [cap["cpu"] for cap in result.all("cap", name="id", group="apic")] == ["0", "1"]
    assert not re.search(r"^cpu1 ", result.console, re.M)
    assert last_line(result.console)["cpus"] == "2"


def test_a_cpu_that_the_boot_leaves_out_is_named_with_the_reason(tmp_path):
    """The first CPU's TSC and last variable MTRR are not the other's."""
    leaves = "bank=10:1000000000 bank=20e:f0000000 bank=20f:fff0000800"
    told = boot_after(tmp_path, leaves, cpus=2, opts="doctor")
    assert (told.status, told.message) == (0, "")
    assert re.search(r"^cpu1  left out at boot: .*-mtrrs tsc-skew=-\d{7}", told.console, re.M)
    assert told.one("cap", cpu="1", name="mtrrs").has(there=0, verdict="missing")
    assert told.one("cap", cpu="all", group="alike", name="tsc").has(there=1)
    assert last_line(told.console)["cpus"] == "1"


def test_amx_and_its_size_are_named(boot):
    needs_model("sapphire_rapids")
    result = boot(opts="doctor", cpu="sapphire_rapids")
    assert (result.status, result.message) == (0, "")
    assert result.one("cap", name="amx").has(there=1, value="0x2040")
    assert re.search(r"^fpu .*(\n +.*)?\bamx=8256\b", result.console, re.M)


def test_the_menu_has_an_entry_for_it(tmp_path):
    """That of the image for sticks; here it is the one that GRUB takes at once."""
    tree = tmp_path / "tree"
    (tree / "boot").mkdir(parents=True)
    os.link(os.path.join(BUILD, "resident.elf"), tree / "boot/resident.elf")
    config = grub_config("slice=500", [], [], 2, menu=True)
    make_iso_of_tree(str(tmp_path / "iso"), str(tree), config.replace("timeout=5", "timeout=0\nset default=2"))
    ending = Emulator(Machine(kind="bochs"), str(tmp_path), str(tmp_path / "iso")).run(90)
    console = plain(ending.console)
    assert last_line(console)["verdict"] == "runs"
    assert [r["status"] for r in records(console) if r.kind == "end"] == ["0"]
    assert "is not known" not in console and "is ignored" not in console
