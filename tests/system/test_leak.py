"""No guest ever finds what it did not write: in a new VM, also at an address that another one had,
after a reset, after it has switched on a further component, whatever it looks at first.

So it is on several CPUs, in each of which others have left something, with guests that move between
them all the time: among them new lives, at addresses that some CPU may still have a name for.

XGETBV(1), which heeds no TS, shows whose components lie in the registers of an armed guest."""

import re

import pytest
from models import needs_model

CPUS = ("corei7_haswell_4770", "corei7_ivy_bridge_3770k", "corei5_arrandale_m520", "arrow_lake")
LOOKS = ("fxsave", "xsave", "xsaveopt", "fnsave", "fnstcw", "stmxcsr", "mmx", "xmm")
LOOKS_AVX = ("ymm", "zmm", "opmask", "xsave-avx512")
SECRET = ("leak", "name=secret mem=4M control=on -- secret")
CLOBBER = ("clobber", "name=clobber mem=4M -- rounds=150")
GROW = ("leak", "name=grow mem=4M runs=2 -- grow resets=1")
MOVE = (
    SECRET,
    ("leak", "name=secret2 mem=4M control=on -- secret secrets=2"),
    ("leak", "name=a mem=4M -- resets=1 wait=40"),
    GROW,
)

KEEPS_APART = ("scrub", "eager", "swap", "auto")
SHOWS_RESIDUE = ("lazy", "unload")

MOVING = (("lazy", 4), ("scrub", 2), ("eager", 4), ("unload", 2), ("swap", 2), ("auto", 8))


def looking(looks, bits=""):
    return [(f"leak{bits}", f"name={n} mem=4M runs=2 -- first={n} wait=4 resets=1") for n in looks]


def guests(vm, result):
    """What each life of this VM has ended with."""
    lines = [line for line in result.lines(vm) if line.startswith("RESULT")]
    return [re.search(r"fail=(\d+)", line)[1] for line in lines]


def expect_clean(result, names, runs=2):
    failures = [line for line in result.console.splitlines() if "| FAIL" in line]
    assert failures == []
    assert result.status == 0
    for name in names:
        # a life that ends in a reset prints no result
        assert guests(name, result) == ["0"] * runs
        assert len(result.all("vm", name=name, state="reset")) == runs
        assert len(result.all("vm", name=name, state="started")) == runs


def foreign(result, vm):
    """(armed probes, probes that saw foreign components) of all lives of a VM."""
    found = [
        re.match(r"leak: probes=(\d+) armed=(\d+) foreign=(\d+)", line)
        for line in result.lines(vm)
    ]
    counts = [[int(number) for number in match.groups()] for match in found if match]
    assert sum(probes for probes, _, _ in counts) > 10, "nothing was probed"
    return sum(armed for _, armed, _ in counts), sum(seen for _, _, seen in counts)


@pytest.mark.parametrize("policy", ["lazy", "scrub", "eager", "unload", "swap", "auto"])
def test_the_first_look_of_a_life_finds_the_reset_state(boot, policy):
    bits = "32" if policy in ("scrub", "swap") else ""
    looks = LOOKS + LOOKS_AVX
    result = boot(
        opts=f"fpu={policy} slice=500",
        modules=[SECRET, *looking(looks, bits), CLOBBER],
    )
    expect_clean(result, looks)
    assert not any("SKIP" in line for line in result.console.splitlines() if "| " in line)


@pytest.mark.parametrize("cpu", CPUS)
def test_the_first_look_finds_the_reset_state_on_other_cpus(boot, cpu):
    """With selectors, without AVX-512, without XSAVE; and the hypervisor uses the FPU itself."""
    needs_model(cpu)
    looks = [look for look in LOOKS if "xsave" not in look or look == "fxsave"]
    result = boot(
        cpu=cpu, opts="fpu=auto hostfpu=exits", modules=[SECRET, *looking(looks, "32"), CLOBBER]
    )
    expect_clean(result, looks)


@pytest.mark.parametrize("policy", ["lazy", "auto"])
@pytest.mark.parametrize(
    "cpu", ["tigerlake", "corei7_haswell_4770", "sapphire_rapids", "arrow_lake"]
)
def test_a_component_that_is_switched_on_later_is_initial(boot, cpu, policy):
    needs_model(cpu)
    result = boot(cpu=cpu, opts=f"fpu={policy}", modules=[SECRET, GROW, CLOBBER])
    expect_clean(result, ["grow"])


@pytest.mark.parametrize("host", ["off", "exits"])
@pytest.mark.parametrize("policy", KEEPS_APART)
def test_no_foreign_component_is_in_the_registers_of_any_guest(boot, policy, host):
    result = boot(
        opts=f"fpu={policy} hostfpu={host}",
        modules=[SECRET, ("leak", "name=a mem=4M -- resets=1 wait=40"), GROW],
    )
    expect_clean(result, ["grow"])
    for vm in ("a", "grow"):
        armed, seen = foreign(result, vm)
        assert seen == 0
        assert (armed > 0) == (policy in ("scrub", "auto"))


@pytest.mark.parametrize("host", ["off", "exits"])
@pytest.mark.parametrize("policy", SHOWS_RESIDUE)
def test_the_same_probe_sees_what_other_policies_leave_there(boot, policy, host):
    """Else the test above could not fail."""
    result = boot(
        opts=f"fpu={policy} hostfpu={host}",
        modules=[SECRET, ("leak", "name=a mem=4M -- resets=1 wait=40"), GROW],
    )
    expect_clean(result, ["grow"])  # and yet nothing of it can be read
    assert all(foreign(result, vm)[1] > 10 for vm in ("a", "grow"))


def moves(result, *names):
    """How often each life of these VMs came to a CPU from another one."""
    return [record.number("moves") for name in names for record in result.all("fpuctx", vm=name)]


@pytest.mark.parametrize("policy, cpus", MOVING)
def test_the_first_look_finds_the_reset_state_wherever_it_is_made(boot, policy, cpus):
    looks = LOOKS + LOOKS_AVX if cpus == 2 else ("xsave", "mmx", "zmm", "opmask")
    result = boot(
        cpus=cpus,
        opts=f"fpu={policy} slice=500 migrate=1",
        modules=[SECRET, *looking(looks), CLOBBER],
    )
    expect_clean(result, looks)
    assert min(moves(result, *looks)) > 10


@pytest.mark.parametrize("policy", KEEPS_APART)
def test_no_foreign_component_is_in_the_registers_of_a_guest_that_moves(boot, policy):
    result = boot(cpus=2, opts=f"fpu={policy} migrate=1", modules=MOVE)
    expect_clean(result, ["grow"])
    for vm in ("a", "grow"):
        armed, seen = foreign(result, vm)
        assert seen == 0
        assert (armed > 0) == (policy in ("scrub", "auto"))
        assert min(moves(result, vm)) > 50


@pytest.mark.parametrize("policy", SHOWS_RESIDUE)
def test_the_same_probe_sees_what_others_left_in_another_cpu(boot, policy):
    result = boot(cpus=2, opts=f"fpu={policy} migrate=1", modules=MOVE)
    expect_clean(result, ["grow"])
    assert all(foreign(result, vm)[1] > 10 for vm in ("a", "grow"))


def test_auto_leaves_the_residue_of_the_guests_own_domain(boot):
    words = ("leak", "name=a mem=4M trust=lab -- wait=40")
    secret = ("leak", "name=secret mem=4M trust=lab control=on -- secret")
    assert foreign(boot(opts="fpu=auto", modules=[secret, words]), "a")[1] > 10
