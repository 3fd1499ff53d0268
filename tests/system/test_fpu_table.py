"""What the policies cost on the workloads of `make fpu-table`, and that auto is a good choice."""

import fpu_workloads as fpu
import pytest
from models import needs_model

ROWS = [
    pytest.param(w, d, id=f"{w.name}-{d}", marks=[] if d == "own" else pytest.mark.nightly)
    for w in fpu.WORKLOADS
    for d in fpu.DOMAINS
]
FPU_WORK = ("nm", "saves", "loads", "scrubs", "xcr0", "ts_writes", "bytes", "armed")


def measure(boot, workload, domains, policy):
    result = boot(**fpu.boot_parameters(workload, domains, policy))
    assert result.status == 0
    return fpu.window(result.console)


@pytest.mark.parametrize("workload, domains", ROWS)
def test_auto_costs_no_more_than_a_twentieth_above_the_best_that_is_as_safe(
    boot, workload, domains
):
    needs_model(workload.cpu)
    row = {policy: measure(boot, workload, domains, policy) for policy in fpu.POLICIES}
    assert fpu.excess(row, domains) <= fpu.TOLERANCE
    # the same work under every policy
    assert len({counted["switches"] for counted in row.values()}) == 1


@pytest.mark.parametrize("policy", fpu.POLICIES)
@pytest.mark.parametrize("domains", fpu.DOMAINS)
def test_a_guest_alone_is_always_resident_and_costs_no_fpu_work(boot, domains, policy):
    counted = measure(boot, fpu.WORKLOADS[0], domains, policy)
    assert counted["entries"] == counted["resident"] > 20 * fpu.TURNS
    assert {key: counted[key] for key in FPU_WORK} == dict.fromkeys(FPU_WORK, 0)


def test_no_policy_spares_tiles_and_none_costs_more(boot):
    """A save and a load of each of the two guests in each turn."""
    workload = next(workload for workload in fpu.WORKLOADS if workload.name == "tiles")
    needs_model(workload.cpu)
    for policy in ("lazy", "auto"):
        found = measure(boot, workload, "own", policy)
        assert found["tiles"] == 2 * found["switches"]
        assert found["switches"] >= 2 * fpu.TURNS


def counted(root, **events):
    none = dict.fromkeys(("nm", "saves", "loads", "scrubs", "ts_writes"), 0)
    return {"root": root, **none} | events


ROW = {
    "lazy": counted(1000, nm=10, saves=10, loads=10, ts_writes=60),
    "scrub": counted(1100, nm=10, saves=10, loads=10, scrubs=10, ts_writes=60),
    "eager": counted(4000, saves=20, loads=20),
    "unload": counted(9000, nm=10, saves=20, loads=20),
    "swap": counted(9000, saves=20, loads=20),
    "auto": counted(4100, saves=20, loads=20),
}


def test_the_cost_model_weighs_traps_moves_and_writes():
    assert fpu.cost(ROW["lazy"]) == 1000 + 10 * 1500 + 20 * 150 + 60 * 200
    assert fpu.best(ROW, "one") == fpu.best(ROW, "own") == "eager"
    assert round(fpu.excess(ROW, "own"), 6) == round(100 / 10000, 6)


def test_the_crossover_is_where_both_cost_the_same():
    # eager 4000 + 40 w, lazy 1000 + 15000 + 12000 + 20 w
    assert fpu.crossovers(ROW, "one", "moves") == [(0, "eager"), (1200, "lazy")]
    # eager costs 10000 whatever a trap costs, lazy 1000 + 3000 + 12000 at least
    assert fpu.crossovers(ROW, "one", "nm") == [(0, "eager")]
    # unload 9000 + 6000 + 10 w, eager 20000
    dear = {**ROW, "eager": counted(20000), "swap": counted(20000), "auto": counted(20000)}
    assert fpu.crossovers(dear, "one", "nm") == [(0, "unload"), (500, "eager")]


def test_leaking_policies_are_no_rivals_across_domains():
    cheap = {**ROW, "lazy": counted(1), "unload": counted(1)}
    assert fpu.best(cheap, "one") == "lazy"
    assert fpu.best(cheap, "own") == "eager"


@pytest.mark.parametrize("policy", ["lazy", "swap"])
def test_guests_that_move_cost_what_they_must(boot, policy):
    """Two for each of two CPUs: a row of docs/fpu-table-smp.md."""
    result = boot(**fpu.moving_parameters(fpu.WORKLOADS[2], "own", policy, 2))
    assert result.status == 0
    found = fpu.totals(result)
    assert found["moves"] > fpu.MOVING_TURNS
    # one load for each time that another had the registers or that it came from elsewhere
    assert found["moves"] < found["loads"] < 4 * (fpu.MOVING_TURNS + 40)
    assert found["nm"] == (found["loads"] if policy == "lazy" else 0)
    assert (found["flushes"] > 0) == (policy == "lazy")
