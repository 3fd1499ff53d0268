"""The ways in which such managers have failed before that need a second CPU, each by its name in
docs/tests.md: booted, with guests that compare every register bit for bit.

`fpu-hold via=yield` loads a pattern and yields twice, twice over. With migrate=1 each yield takes it
to the next CPU, so on two CPUs it is away and back before it looks: it uses the registers of one CPU
only. On three it looks on another CPU than it loaded on. The counters say which way was taken.
"""

import collections

import pytest
from guests import ON_SEVERAL_CPUS
from test_guests import expect_passes
from test_leak import expect_clean
from torture_runs import Run, migrations, problems

ROUNDS = 60
CHECKS = ROUNDS * 2  # yields twice for each
LONG = "slice=100000"  # a turn ends only where a guest yields
HOLD = ("fpu-hold", f"name=a mem=4M control=on -- rounds={ROUNDS} via=yield peers=3")
ALONE = (HOLD[0], HOLD[1].replace("peers=3", "peers=1"))
POLICIES = ("lazy", "scrub", "eager", "unload", "swap", "auto")


def passed(result):
    failures = [line for line in result.console.splitlines() if "| FAIL" in line]
    assert failures == []
    assert result.status == 0


def counted(result, vm):
    record = result.one("fpuctx", vm=vm)
    return {key: int(value) for key, value in record.items() if key not in ("vm", "vcpu")}


def others(file, words):
    """One on each of two CPUs, which stays there."""
    return [(file, f"name={file}{n} mem=4M control=on cpus={n} -- {words}") for n in (0, 1)]


def test_away_and_back_with_nobody_in_the_registers_costs_no_load(boot):
    """It is saved when it goes, and its registers are still its own when it comes."""
    result = boot(cpus=2, opts=f"fpu=lazy migrate=1 {LONG}", modules=[ALONE])
    passed(result)
    a = counted(result, "a")
    assert a["moves"] >= 4 * CHECKS // 2
    assert a["loads"] == 1
    # each time it leaves the CPU where it has used them, and never the other one
    assert a["flushes"] == a["saves"] == CHECKS
    assert sorted(record.number("flushes") for record in result.all("fpu")) == [0, CHECKS]


def test_stale_owner_after_a_trip_to_another_cpu(boot):
    """On three CPUs each still names it as the owner of what it had there three moves ago."""
    result = boot(cpus=3, opts=f"fpu=lazy migrate=1 {LONG}", modules=[ALONE])
    passed(result)
    a = counted(result, "a")
    assert a["moves"] >= 4 * CHECKS // 2
    assert CHECKS <= a["loads"] <= CHECKS + 1
    assert all(record.number("loads") > CHECKS // 4 for record in result.all("fpu"))


def test_saved_ran_on_clobbered(boot):
    """An update lost: saved as it moved away, back in registers that are still its own, changed
    there, and only then taken by another guest. Turns of lengths of their own, lest each move meets
    the same turn of the neighbours."""
    seen = collections.Counter()
    stays = ("workload", "name=on1 mem=4M control=on cpus=1 -- uses=1 exits=9 peers=3")
    for uses, exits in ((2, 1), (2, 2), (3, 2)):
        words = f"uses={uses} exits={exits} peers=3"
        other = ("workload", f"name=on0 mem=4M control=on cpus=0 -- {words}")
        result = boot(cpus=2, opts=f"fpu=lazy migrate=1 {LONG}", modules=[HOLD, stays, other])
        passed(result)
        seen.update(counted(result, "a"))
    assert seen["flushes"] > CHECKS  # went while its registers were live
    assert seen["saves"] - seen["flushes"] > CHECKS // 8  # taken by another before that
    assert CHECKS < seen["loads"] < 3 * CHECKS - CHECKS // 8  # or found again without a load


@pytest.mark.parametrize("policy", POLICIES)
def test_owner_freed_a_new_context_at_the_same_address(boot, policy):
    """Lives of a few turns each, which end on some CPU while others still name them."""
    short = [
        ("leak", f"name={look} mem=4M runs=6 -- first={look} wait=3 resets=1")
        for look in ("xsave", "zmm")
    ]
    secret = ("leak", "name=secret mem=4M control=on -- secret")
    result = boot(cpus=2, opts=f"fpu={policy} migrate=1 slice=1000", modules=[secret, *short])
    expect_clean(result, ("xsave", "zmm"), runs=6)
    for look in ("xsave", "zmm"):
        assert min(record.number("moves") for record in result.all("fpuctx", vm=look)) > 3


def test_reset_of_a_resident_vcpu_that_moves(boot):
    run = Run("lazy", "tigerlake", 301, 100, cpus=2, migrate=1, steps=400)
    result = boot(**run.boot)
    assert problems(run, result) == []
    assert len(result.all("vm", state="reset")) > 10
    assert migrations(result) > 2000


def test_owner_read_then_preempted(boot):
    """A CPU with less to do looks at who owns another's registers, which may change at any moment,
    and leaves those vCPUs there for others."""
    hold = [
        ("fpu-hold", f"name=h{n} mem=4M -- rounds=30 via=yield,cpuid,preempt seed={n}")
        for n in range(3)
    ]
    other = ("integer", "name=i mem=4M -- rounds=30")
    result = boot(cpus=2, opts="fpu=lazy slice=500", modules=[*hold, other])
    passed(result)
    for key in ("pulls", "spared", "moves"):
        assert sum(record.number(key) for record in result.all("cpu")) > 5, key


@pytest.mark.parametrize("policy", ["lazy", "eager", "auto"])
def test_remote_save_racing_local_use(boot, policy):
    """A CPU is asked for what its registers hold of a vCPU while a guest runs there, or traps for
    the registers itself: two that use them in every turn, and three that move."""
    hold = [
        ("fpu-hold", f"name=h{n} mem=4M -- rounds=15 via=yield,cpuid,cr,xsetbv seed={n}")
        for n in range(3)
    ]
    clobber = others("clobber", "seed=9 rounds=800")
    result = boot(cpus=2, opts=f"fpu={policy} migrate=1 slice=100", modules=[*hold, *clobber])
    passed(result)
    for record in result.all("cpu"):
        assert record.number("nmi_exits") > 100  # asked while a guest ran
    for record in result.all("fpu"):
        assert record.number("flushes") > (50 if policy == "lazy" else 0)
        assert record.number("saves") > record.number("flushes") + 50


def test_the_nm_table_holds_on_another_cpu(boot):
    """Of it, what raises nothing: it is the emulator that spoils the rest there."""
    table = ("nm-table", f"name=a mem=8M control=on cpus=1 -- state=all peers=2 {ON_SEVERAL_CPUS}")
    peer = ("clobber", "name=c mem=16M control=on cpus=1 -- seed=3")
    result = boot(cpus=2, opts="fpu=lazy", modules=[table, peer])
    expect_passes(result, "a", 136)
    assert counted(result, "a")["moves"] == 0
    assert counted(result, "a")["nm"] > 50


def test_a_guest_with_lazy_switching_of_its_own_moves_and_sees_no_nm_of_ours(boot):
    """TS set and cleared, and WAIT that does not heed it."""
    words = "name=a mem=8M control=on -- peers=3 only=wait-without-mp,set-and-clear"
    modules = [("own-ts", words), *others("clobber", "seed=3 rounds=2000")]
    result = boot(cpus=2, opts="fpu=lazy migrate=1", modules=modules)
    expect_passes(result, "a", 2)
    assert counted(result, "a")["moves"] > 20
