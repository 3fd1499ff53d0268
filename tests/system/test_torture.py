"""A fixed share of `make torture`: guests that do random FPU work and check it against a model,
several on one CPU, and on 2, 4 and 8 CPUs between which they move all the time. Every policy and
every CPU model at least once."""

import pytest
from models import needs_model
from torture_runs import MODELS, NEIGHBOURS, POLICIES, Run, migrations, problems, switches

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

# By policy, model, seed; then CPUs, turns on each, and how the registers are saved.
MOVING = (
    Run("lazy", "tigerlake", 201, 100, neighbour=CLOBBER, cpus=2, migrate=1, xsave="xsaves"),
    Run("lazy", "corei7_icelake_u", 211, 200, cpus=4, migrate=2, xsave="xsavec"),
    Run("scrub", "corei7_haswell_4770", 221, 100, cpus=2, migrate=2, xsave="xsaveopt"),
    Run("eager", "corei7_skylake_x", 231, 200, host=True, cpus=4, migrate=1, xsave="xsave"),
    Run("unload", "sapphire_rapids", 241, 100, neighbour=INTEGER, cpus=2, migrate=3),
    Run("swap", "corei5_arrandale_m520", 251, 100, cpus=4, migrate=3),
    Run("auto", "tigerlake", 261, 100, changing=True, cpus=8, migrate=1, xsave="xsavec"),
    Run("auto", "arrow_lake", 271, 200, neighbour=CLOBBER, cpus=2, migrate=1, xsave="xsaves"),
)
MOVING_STEPS = {2: 500, 4: 300, 8: 150}


def name(run):
    host, changing = "-host" if run.host else "", "-changing" if run.changing else ""
    moving = f"-{run.cpus}cpus-{run.xsave or 'auto'}" if run.cpus > 1 else ""
    return f"{run.policy}{host}{changing}-{run.cpu}{moving}"


def torture(boot, run):
    steps = MOVING_STEPS[run.cpus] if run.cpus > 1 else STEPS
    short = Run(**{**vars(run), "steps": steps})
    return boot(**short.boot)


def test_every_policy_and_every_cpu_model_is_among_them():
    assert {run.policy for run in RUNS} == set(POLICIES)
    assert {run.cpu for run in RUNS} == set(MODELS)
    assert {run.policy for run in MOVING} == set(POLICIES)
    assert {run.cpus for run in MOVING} == {2, 4, 8}
    assert {run.migrate for run in MOVING} == {1, 2, 3}


@pytest.mark.parametrize("run", RUNS, ids=name)
def test_random_work_of_several_guests_finds_every_register_as_it_was_left(boot, run):
    needs_model(run.cpu)
    result = torture(boot, run)
    assert problems(run, result) == []
    assert switches(result) > 1000


@pytest.mark.parametrize("run", MOVING, ids=name)
def test_so_it_does_where_guests_move_from_cpu_to_cpu(boot, run):
    needs_model(run.cpu)
    result = torture(boot, run)
    assert problems(run, result) == []
    assert result.one("boot")["cpus"] == str(run.cpus)
    assert migrations(result) > 2000
    flushes = sum(record.number("flushes") for record in result.all("fpuctx"))
    # what is saved at the end of each turn, or at each exit, is not newer when a guest moves
    assert (flushes > 500) == (run.policy not in ("unload", "swap") and not run.host)


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
