"""What is done about speculation (docs/mitigations.md). No emulator speculates: here it is looked
at that each step is where it has to be, runs where it is to, and changes nothing else."""

import re
import struct
import subprocess

import bench_runs
import bench_trace
import pytest
from bench_runs import Run
from booting import BUILD
from elf import Elf
from models import needs_model

IMAGE = bench_trace.Image(bench_runs.IMAGE)
RESIDENT = f"{BUILD}/resident.elf"

# vmx/mitigations.h
RSB_FILL, RSB_BARRIER, SPEC_CTRL, IBRS_KEPT, BHB_CLEAR, VERW, L1D_COMMAND, L1D_LOADS = (
    1 << n for n in range(8)
)
# By steps: how often, and what is in each stretch.
STRETCHES = {
    RSB_FILL: (1, ["call"]),
    RSB_BARRIER: (1, ["call", "int3", "add", "lfence"]),
    SPEC_CTRL: (4, ["mov", "wrmsr"]),
    IBRS_KEPT: (1, ["cmp", "je"]),
    BHB_CLEAR: (1, ["call"]),
    VERW: (2, ["verw"]),
    L1D_COMMAND: (1, ["mov", "mov", "xor", "wrmsr"]),
    L1D_LOADS: (1, ["call"]),
}
SPEC_CTRL_MSRS = "speculation-kept", "speculation-hidden", "speculation-commands"


def stretches():
    """(steps, [mnemonic, ...]) of each that can be jumped over: the table in the image."""
    symbols, found = Elf(RESIDENT).symbols(), []
    bounds = (symbols["mitigation_sites" + which] for which in ("", "_end"))
    for site in struct.iter_unpack("<3Q", Elf(RESIDENT).bytes(*bounds)):
        bounds = [f"--start-address={site[0]:#x}", f"--stop-address={site[1]:#x}"]
        command = ["objdump", "-d", "--no-show-raw-insn", *bounds, RESIDENT]
        listing = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        found.append((site[2], re.findall(r"^ +[0-9a-f]+:\t(\S+)", listing, re.M)))
    return found


def in_order(wanted, found):
    rest = iter(found)
    return all(name in rest for name in wanted)


def test_each_step_is_in_the_image_where_it_can_be_left_out():
    found = stretches()
    assert {steps for steps, _ in found} == set(STRETCHES)
    for steps, (count, wanted) in STRETCHES.items():
        ours = [names for which, names in found if which == steps]
        assert len(ours) == count
        for names in ours:
            assert in_order(wanted, names), (steps, names)


def rounds(boot, name, vms, peers=(), options="", words=""):
    """Root mode of the rounds of a test that were traced. `words`: of the VMs' module lines."""
    run = Run((name,), vms, peers, options=options)
    modules = [(file, line.replace(" -- ", f" {words} -- ", 1)) for file, line in run.modules]
    result = boot(**{**run.boot, "modules": modules})
    run.rows(result, IMAGE)
    with open(f"{result.work}/emulator.out", encoding="ascii", errors="replace") as log:
        return bench_trace.windows(log, IMAGE)


def names(window):
    return [instruction.text.split()[0] for instruction in window]


SPECIAL = {"verw", "wrmsr", "rdmsr", "lfence", "int3"}


def test_the_short_way_has_none_of_them_where_none_is_needed(boot):
    for window in rounds(boot, "cpuid-0", 1):
        assert not SPECIAL & set(names(window))


def test_all_of_them_run_on_the_short_way_in_their_order(boot):
    """The exit is that of a guest whose IA32_SPEC_CTRL is the hypervisor's: it is not written."""
    for window in rounds(boot, "cpuid-0-mitigated", 1, options="mitigations=all"):
        found = names(window)
        order = [
            function
            for (_, function), _ in bench_trace.by_function(window, IMAGE)
            if function in ("fill_return_stack", "clear_branch_history", "exit_cpuid")
        ]
        assert order == ["fill_return_stack", "clear_branch_history", "exit_cpuid"]
        assert found[-2:] == ["verw", "vmresume"]
        assert found.count("verw") == 1 and "wrmsr" not in found and "rdmsr" not in found
        first_return = found.index("ret")
        assert found[:first_return].count("call") > 32  # the buffer is full before


def wrmsr_by_function(window):
    found = {}
    for instruction in window:
        if instruction.text.split()[0] == "wrmsr":
            name = IMAGE.function(instruction.address)[1]
            found[name] = found.get(name, 0) + 1
    return found


def test_a_change_of_the_guest_empties_the_l1d_and_forgets_branches(boot):
    """To another vCPU and back: two changes, two entries from the run loop."""
    for window in rounds(boot, "switch-mitigated", 2, ("yield",), options="mitigations=all"):
        found = wrmsr_by_function(window)
        assert found["mitigate_new_domain"] == 2
        assert found["vmx_enter_mitigated"] == 2


def test_vms_that_trust_each_other_keep_their_branches(boot):
    options = {"options": "mitigations=all", "words": "trust=t"}
    for window in rounds(boot, "switch-mitigated", 2, ("yield",), **options):
        found = wrmsr_by_function(window)
        assert "mitigate_new_domain" not in found
        assert found["vmx_enter_mitigated"] == 2


def test_auto_takes_an_emulators_cpu_for_one_that_does_not_speculate(boot):
    for cpu in ("tigerlake", "corei7_haswell_4770"):
        result = boot(cpu=cpu, modules=[("integer", "name=a mem=4M -- rounds=2")])
        record = result.one("mitigations")
        assert (record["wanted"], record["steps"]) == ("auto", "none")
        assert "open" not in {record[key] for key in ("l1tf", "mds", "branch", "bhi", "threads")}
        assert "a guest may see" not in result.console


def test_what_no_microcode_closes_is_told(boot):
    """An old model: it has neither MD_CLEAR nor IBRS, and its L1D is filled instead of flushed."""
    result = boot(
        cpu="corei7_haswell_4770",
        opts="mitigations=all loglevel=3",
        modules=[("integer", "name=a mem=4M -- rounds=2")],
    )
    assert "speculation: l1tf is closed: L1D filled anew at entries" in result.console
    assert "speculation: pbrsb is unaffected: no enhanced IBRS" in result.console
    record = result.one("mitigations")
    assert record["steps"] == "rsb-fill+bhb-clear+verw+l1d-loads"
    assert (record["l1tf"], record["mds"], record["branch"]) == ("closed", "open", "open")
    for hazard in ("mds", "branch"):
        said = f"^warning: a guest may see what is not its own by {hazard}: .*update firmware$"
        assert re.search(said, result.console, re.M)


def verdicts(result, vm):
    """Of the checks that are not of these MSRs, which there are only with the steps."""
    found = [line for line in result.lines(vm) if re.match("PASS|FAIL|SKIP", line)]
    return [line for line in found if not re.search("speculation-", line)]


@pytest.mark.parametrize("cpu", ["tigerlake", "corei7_haswell_4770"])
def test_every_kind_of_exit_is_as_it_is_without(boot, cpu):
    modules = [
        ("exits", "name=a mem=8M control=on -- control peers=2"),
        ("clobber", "name=b mem=8M control=on -- seed=3"),
    ]
    found = [boot(cpu=cpu, opts=f"mitigations={m}", modules=modules) for m in ("off", "all")]
    assert [result.status for result in found] == [0, 0]
    assert verdicts(found[0], "a") == verdicts(found[1], "a")


def test_so_it_is_on_two_cpus_between_which_guests_move(boot):
    modules = [("fpu-hold", f"name={vm} mem=8M -- rounds=40") for vm in "abc"]
    result = boot(opts="mitigations=all migrate=2", cpus=2, modules=modules)
    assert result.status == 0
    assert result.one("boot")["cpus"] == "2"
    assert sum(cpu.number("moves") for cpu in result.all("cpu")) > 10


@pytest.mark.parametrize("bits", ["", "32"])
def test_each_guest_has_its_own_spec_ctrl_where_it_is_switched(boot, bits):
    words = "mem=8M -- topic=speculation"
    modules = [(f"exits{bits}", f"name={vm} {words}") for vm in "ab"]
    shown, hidden = (boot(opts=f"mitigations={how}", modules=modules) for how in ("all", "auto"))
    assert shown.status == hidden.status == 0
    for vm in "ab":
        for check in SPEC_CTRL_MSRS:
            assert f"PASS {check}" in shown.lines(vm)
        assert "PASS speculation-hidden" in hidden.lines(vm)
        assert "SKIP speculation-kept: no IBRS here" in hidden.lines(vm)


def test_newer_cpus_that_say_more_run_with_all_of_them(boot):
    for cpu in ("sapphire_rapids", "arrow_lake"):
        needs_model(cpu)
        modules = [("exits", "name=a mem=8M -- topic=speculation,msr"), ("own-ts", "name=b mem=8M")]
        result = boot(cpu=cpu, opts="mitigations=all", modules=modules)
        assert result.status == 0
        assert result.one("mitigations")["bhi"] == "closed"


def test_an_nmi_on_the_way_with_all_of_them_is_not_slept_through(boot):
    """What it strikes after IA32_SPEC_CTRL has become the guest's gives it back."""
    result = boot(
        opts="crash=nmi mitigations=all",
        modules=[("bench", "mem=4M -- cpuid=600")],
        debugger=True,
        timeout=240,
    )
    assert result.status == 0
    assert result.one("cpu", cpu=0).number("nmi_first") > 10
    exits = sum(each.number("count") for each in result.all("exit"))
    assert result.one("fpuctx").number("entries") == exits
