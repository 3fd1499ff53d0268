"""A fault in the hypervisor itself (boot option crash=) is reported in full and ends the
machine."""

import re
import subprocess

import pytest
from struck import stretch, struck

WINDOW_BOUNDS = (("start", "nmi_windows"), ("stop", "nmi_windows_end"))
GUEST = [("integer", "name=a mem=4M -- rounds=2")]

FAULTS = {
    "pagefault": ["#PF page fault, error code 0x2", "provoke+"],
    "textwrite": ["#PF page fault, error code 0x3", "provoke+"],
    "stack": ["#PF page fault", "fill_stack"],
    "vector": [
        "#NM device not available",
        "outside a host section",
        "fpu_clear_sse+",
        "provoke+",
    ],
}


@pytest.mark.parametrize("crash", FAULTS)
def test_a_fault_prints_registers_control_registers_and_a_backtrace(boot, crash):
    result = boot(opts=f"crash={crash}", modules=GUEST)
    assert result.status == 1
    assert result.one("end")["status"] == "1"
    for words in ["ERROR: fault in the hypervisor on CPU 0", "backtrace:", *FAULTS[crash]]:
        assert words in result.console, words
    for register in ["RIP", "RSP", "RAX", "R15", "CR0", "CR2", "CR3", "CR4"]:
        assert re.search(rf"\b{register} +[0-9a-f]{{16}}\b", result.console), register
    assert "resident_main+" in result.console.split("backtrace:")[1] or crash == "stack"
    assert result.all("vm") == []


def test_root_mode_runs_with_ts_and_mp_set_whatever_the_firmware_left(boot):
    """And EM clear: a stray x87 or vector instruction of the hypervisor raises #NM."""
    result = boot(opts="crash=pagefault", modules=GUEST)
    cr0 = int(re.search(r"\bCR0 +([0-9a-f]{16})\b", result.console)[1], 16)
    assert cr0 & 0b1110 == 0b1010


def test_a_stack_overflow_hits_its_guard_page(boot):
    result = boot(opts="crash=stack", modules=GUEST)
    cr2 = int(re.search(r"\bCR2 +([0-9a-f]{16})", result.console).group(1), 16)
    rsp = int(re.search(r"\bRSP +([0-9a-f]{16})", result.console).group(1), 16)
    assert abs(cr2 - rsp) < 0x1000


def test_a_backtrace_does_not_cross_into_a_guard_page(boot):
    result = boot(opts="crash=frame", modules=GUEST)
    assert (result.status, result.message) == (1, "")
    assert "another fault" not in result.console
    assert re.search(r"#UD .*(?s:.*)backtrace:\n  0x\w+ provoke\+\w+\n@end", result.console)


def test_panic_halt_halts(boot):
    result = boot(
        opts="crash=pagefault panic=halt",
        modules=GUEST,
        until="panic=halt: the machine is halted",
        commands=["r", "u /1"],
    )
    assert result.why == "until"
    assert "jmp .-4" in result.dump  # HLT is over because the debugger came: "1: cli; hlt; jmp 1b"


def test_panic_reboot_starts_the_machine_again_with_all_its_cpus(boot):
    result = boot(
        opts="crash=pagefault panic=reboot",
        cpus=2,
        modules=GUEST,
        until=r"(?s)@boot.*Resident 0.*@boot [^\n]*\n",
    )
    assert result.why == "until"
    assert [record["cpus"] for record in result.all("boot")][:2] == ["2", "2"]


def test_a_vm_entry_that_fails_names_the_error_and_dumps_the_vmcs(boot):
    result = boot(opts="crash=vmentry", modules=GUEST)
    assert result.status == 1
    assert "VM entry failed: VM entry with invalid control field(s)" in result.console
    assert re.search(r"PIN_BASED_CONTROLS is 0x0: .* \[SDM Vol\. 3C 26\.2\.1\.1\]", result.console)
    for field in ["GUEST_RIP", "HOST_RIP", "PIN_BASED_CONTROLS", "INSTRUCTION_ERROR"]:
        assert re.search(rf"\b{field} +[0-9a-f]{{16}}", result.console), field


def test_nmis_at_a_high_rate_are_all_seen_and_harm_nothing(boot):
    result = boot(
        opts="crash=nmi",
        modules=[
            ("fpu-hold", "name=a mem=8M -- rounds=14 seed=1"),
            ("fpu-hold", "name=b mem=8M -- rounds=14 seed=2"),
        ],
    )
    assert result.status == 0
    nmi = result.one("cpu", cpu=0)
    # in a guest, in root mode, and in the last steps before an entry
    assert nmi.number("nmi_exits") > 100
    assert nmi.number("nmis") > nmi.number("nmi_exits") + nmi.number("nmi_first")
    assert nmi.number("nmi_first") > 0


def symbol(name):
    listing = subprocess.run(
        ["nm", "build/resident.elf"], check=True, capture_output=True, text=True
    ).stdout
    return int(re.search(rf"^([0-9a-f]+) . {name}$", listing, re.M)[1], 16)


def windows():
    """(start, end, recover) of each: the table that the NMI's handler goes by."""
    bounds = [f"--{which}-address={symbol(name):#x}" for which, name in WINDOW_BOUNDS]
    listing = subprocess.run(
        ["objdump", "-s", *bounds, "build/resident.elf"], check=True, capture_output=True, text=True
    ).stdout
    dumped = re.findall(r"^ [0-9a-f]+ ((?:[0-9a-f]+ ){1,4})", listing, re.M)
    table = bytes.fromhex("".join(dumped).replace(" ", ""))
    numbers = [int.from_bytes(table[i : i + 8], "little") for i in range(0, len(table), 8)]
    return [tuple(numbers[i : i + 3]) for i in range(0, len(numbers), 3)]


@pytest.mark.parametrize(
    "way, until", [("", "vmx_leave"), ("_mitigated", "fail_invalid_mitigated")]
)
def test_the_nmi_windows_reach_from_the_look_to_the_entry(way, until):
    """What lies between would let an NMI be slept through; the look itself may be made again."""
    listing = subprocess.run(
        ["objdump", "-d", "--no-show-raw-insn", "build/resident.elf"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    code = listing[listing.index(f"<vmx_enter{way}>:") : listing.index(f"<{until}>:")]
    lines = re.findall(r"^ +([0-9a-f]+):\t(\S+)", code, re.M)
    addresses = [int(address, 16) for address, _ in lines]
    names = [name for _, name in lines]
    entries = [n for n, name in enumerate(names) if name in ("vmlaunch", "vmresume")]
    looks = [n for n, name in enumerate(names) if name.startswith("dec")]
    assert len(entries) == len(looks) == 2
    expected = {(addresses[look + 1], addresses[entry + 1]) for look, entry in zip(looks, entries)}
    before_entry = [window for window in windows() if window[2] == symbol("asked" + way)]
    assert {(start, end) for start, end, _ in before_entry} == expected


def test_an_nmi_window_reaches_from_the_last_look_to_the_halt():
    listing = subprocess.run(
        ["objdump", "-d", "--no-show-raw-insn", "--disassemble=halt_unless", "build/resident.elf"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    lines = re.findall(r"^ +([0-9a-f]+):\t(\S+)", listing, re.M)
    names = [name for _, name in lines]
    looks = int(lines[names.index("mov")][0], 16)
    after_halt = int(lines[names.index("hlt") + 1][0], 16)
    asked = symbol("asked"), symbol("asked_mitigated")
    others = [window for window in windows() if window[2] not in asked]
    assert others == [(looks, after_halt, after_halt)]


def test_an_nmi_may_strike_at_each_instruction_of_the_short_way(boot):
    """Between an exit and the entry again: none is slept through, and the guest notices nothing.
    The debugger has Bochs look for an NMI after each instruction."""
    result = boot(
        opts="crash=nmi", modules=[("bench", "mem=4M -- cpuid=6000")], debugger=True, timeout=240
    )
    assert result.status == 0
    cpu = result.one("cpu", cpu=0)
    assert cpu.number("nmi_first") > 100
    assert stretch("vmx_exit", "vmresume") <= set().union(*struck(result).values())
    exits = sum(each.number("count") for each in result.all("exit"))
    assert result.one("fpuctx").number("entries") == exits


def test_a_panic_comes_at_once_and_what_waited_for_the_console_after_it(boot):
    """The guest prints faster than COM1 takes it, and has to wait."""
    result = boot(opts="crash=idle", modules=[("hostile", "name=h mem=4M -- out")])
    assert result.status == 1
    before, panic, after = result.console.partition("ERROR: the hypervisor stops: crash=idle\n")
    assert panic
    lines = [re.findall(r"^h\| (\d{7}) [a-z]{56}$", part, re.M) for part in (before, after)]
    assert len(lines[1]) > 100
    # none is missing: one that was cut short by the panic is printed again, if only its end was cut
    if lines[0] and lines[0][-1:] == lines[1][:1]:
        del lines[0][-1]
    assert [int(number) for number in sum(lines, [])] == list(range(len(sum(lines, []))))
    assert after.index("backtrace:") < after.index("h| ")
    assert after.rstrip().endswith("@end status=1")


@pytest.mark.parametrize(
    "cpu, protected", [("tigerlake", 0x300800), ("corei7_haswell_4770", 0x100000)]
)
def test_smep_smap_and_umip_are_on_where_the_cpu_has_them(boot, cpu, protected):
    result = boot(
        cpu=cpu, opts="crash=pagefault", modules=[("integer", "mem=4M -- rounds=2")]
    )
    (cr4,) = re.findall(r"\bCR4 +([0-9a-f]{16})\b", result.console)
    assert int(cr4, 16) & 0x300800 == protected
