"""A fixed share of `make torture`: guests that do random FPU work and check it against a model,
several on one CPU. Every policy and every CPU model at least once."""

import pytest
from models import needs_model
from torture_runs import CPUS, NEIGHBOURS, POLICIES, Run, problems, switches

INTEGER, CLOBBER, NOBODY = NEIGHBOURS
STEPS = 600

RUNS = (
    Run("lazy", "tigerlake", seed=101, slice=200, neighbour=INTEGER),
    Run("scrub", "corei7_haswell_4770", seed=104, slice=100, neighbour=CLOBBER),
    Run("eager", "corei7_skylake_x", seed=107, slice=500, host=True),
    Run("unload", "corei7_icelake_u", seed=110, slice=200, neighbour=INTEGER),
    Run("swap", "corei7_ivy_bridge_3770k", seed=113, slice=200, host=True, neighbour=CLOBBER),
    Run("auto", "corei5_arrandale_m520", seed=116, slice=200, neighbour=INTEGER),
    Run("auto", "tigerlake", seed=119, slice=100, changing=True),
    Run("auto", "corei7_haswell_4770", seed=122, slice=200, host=True, changing=True),
    Run("lazy", "tigerlake", seed=1, slice=100, neighbour=INTEGER),
    Run("lazy", "sapphire_rapids", seed=125, slice=200, neighbour=CLOBBER),
    Run("scrub", "arrow_lake", seed=128, slice=100, neighbour=INTEGER),
    Run("auto", "arrow_lake", seed=131, slice=200, changing=True),
)


def name(run):
    host, changing = "-host" if run.host else "", "-changing" if run.changing else ""
    return f"{run.policy}{host}{changing}-{run.cpu}"


def torture(boot, run):
    short = Run(**{**vars(run), "steps": STEPS})
    return boot(**short.boot)


def test_every_policy_and_every_cpu_model_is_among_them():
    assert {run.policy for run in RUNS} == set(POLICIES)
    assert {run.cpu for run in RUNS} == set(CPUS)


@pytest.mark.parametrize("run", RUNS, ids=name)
def test_random_work_of_several_guests_finds_every_register_as_it_was_left(boot, run):
    needs_model(run.cpu)
    result = torture(boot, run)
    assert problems(result) == []
    assert switches(result) > 1000


def test_resets_and_new_runs_are_among_it(boot):
    result = torture(boot, RUNS[0])
    assert len(result.all("vm", name="a", state="reset")) > 3
    assert len(result.all("vm", name="c", state="started")) == 2


def test_a_change_of_policy_is_among_it(boot):
    """The counters of policies that exclude each other have all moved."""
    cpu = torture(boot, RUNS[6]).one("fpu", cpu=0)
    assert all(cpu.number(key) > 100 for key in ("nm", "preloads", "scrubs", "armed", "saves"))


def test_a_boot_repeats_to_the_switch(boot):
    """So that what a failure prints leads to it again."""
    run = RUNS[0]
    again = {**Run(**{**vars(run), "steps": STEPS}).boot, "timeout": 299}  # not the same boot
    assert boot(**again).console == torture(boot, run).console
