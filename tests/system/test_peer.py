"""Linux's KVM in Bochs, as `make bench PEER=kvm` has it: one boot, with guests of both widths."""

import os
import re

import peer
import pytest
from bench_baseline import BASELINE, TOLERANCE
from boot import kernel_path
from records import records

MITIGATIONS_OFF = os.path.join(os.path.dirname(BASELINE), "kvm-off")
TESTS = ("cpuid-0", "vmcall", "in-lsr", "wrmsr-efer")


@pytest.fixture(scope="module")
def ended():
    for name in ("peer", "bochs-trixie"):
        if not os.path.exists(os.path.join(os.path.dirname(peer.LINUX), name, "versions")):
            pytest.skip(f"build/debian/{name} is not there: tools/setup peer gets it")
    runs = [
        (kernel_path("bench"), "only=" + ",".join(TESTS)),
        (kernel_path("integer32"), "rounds=2"),
        (kernel_path("bench"), "rounds=0"),
        (peer.INIT, ""),
    ]
    return peer.run_under_kvm(runs, "mitigations=off")


def test_guests_of_both_widths_run_and_their_status_is_the_launchers(ended):
    assert ended.statuses == [0, 0, 1, 125]
    assert "integer: 2 rounds, 1229 primes" in ended.console
    assert "launcher: /init is no ELF file" in ended.console


def test_what_operations_cost_is_as_in_the_table(ended):
    found = {r["name"]: r.number("instructions") for r in ended.records if r.kind == "bench"}
    assert set(found) == set(TESTS)
    with open(MITIGATIONS_OFF, encoding="ascii") as file:
        text = file.read()
    there = re.search(r"^# machine: (.*)$", text, re.M)[1]
    if there != ended.where:
        pytest.skip(f"the table was made on {there}")
    table = {r["name"]: r.number("instructions") for r in records(text)}
    assert found == {name: pytest.approx(table[name], rel=TOLERANCE) for name in TESTS}
