"""Linux's KVM in Bochs, in one boot: guests of both widths under it, as `make bench PEER=kvm` has
them, and Resident itself with guests of its own: the short form of `make test-nested`; and VM entries
that break a rule: that of `make entry-checks`."""

import os
import re

import entry_checks
import nested
import peer
import pytest
from bench_baseline import BASELINE, TOLERANCE
from boot import kernel_path
from booting import made_once
from defects import KVM_ENTERS
from records import records

MITIGATIONS_OFF = os.path.join(os.path.dirname(BASELINE), "kvm-off")
TESTS = ("cpuid-0", "vmcall", "in-lsr", "wrmsr-efer")
OURS = nested.short()
GUESTS = (
    peer.Launch(kernel_path("bench"), "only=" + ",".join(TESTS)),
    peer.Launch(kernel_path("integer32"), "rounds=2"),
    peer.Launch(kernel_path("bench"), "rounds=0"),
    peer.Launch(peer.INIT),
    nested.entry_checks("entry-sample"),
)


@pytest.fixture
def ended(boot_directory):
    for name in ("peer", "bochs-trixie"):
        if not os.path.exists(os.path.join(os.path.dirname(peer.LINUX.there), name, "versions")):
            pytest.skip(f"build/debian/{name} is not there: tools/setup peer gets it")
    runs = [*GUESTS, *(run.launch for run in OURS)]
    return made_once(
        boot_directory,
        "peer",
        lambda work: peer.run_under_kvm(runs, nested.LINUX_OPTIONS, ips=nested.IPS),
    )


def test_guests_of_both_widths_run_and_their_status_is_the_launchers(ended):
    assert ended.statuses[: len(GUESTS)] == [0, 0, 1, 125, 0]
    assert "integer: 2 rounds, 1229 primes" in ended.consoles[1]
    assert "launcher: /init is no ELF file" in ended.consoles[3]


def test_what_operations_cost_is_as_in_the_table(ended):
    found = {
        r["name"]: r.number("instructions")
        for r in records(ended.consoles[0])
        if r.kind == "bench"
    }
    assert set(found) == set(TESTS)
    with open(MITIGATIONS_OFF, encoding="ascii") as file:
        text = file.read()
    there = re.search(r"^# machine: (.*)$", text, re.M)[1]
    if there != ended.where:
        pytest.skip(f"the table was made on {there}")
    table = {r["name"]: r.number("instructions") for r in records(text)}
    assert found == {name: pytest.approx(table[name], rel=TOLERANCE) for name in TESTS}


def test_kvm_says_of_vm_entries_that_break_a_rule_what_the_table_says(ended):
    """One row of eleven; `tools/entry-checks` has all."""
    rows = entry_checks.rows_in(ended.consoles[len(GUESTS) - 1])
    assert list(entry_checks.kvm_problems(rows)) == []
    there = [row.name for row in rows if row.cpu != entry_checks.ABSENT]
    assert len(there) > 20 and set(there) & set(KVM_ENTERS)
    page = entry_checks.documented()
    if ended.kvm not in page["pin-fixed-1"]:
        pytest.skip(f"the table has no column for {ended.kvm}")
    found = {row.name: entry_checks.says(row) for row in rows}
    assert found == {name: page[name][ended.kvm] for name in found}


@pytest.mark.parametrize("number", range(len(OURS)), ids=map(str, OURS))
def test_resident_runs_under_kvm_and_its_guests_in_it(ended, number):
    place = len(GUESTS) + number
    console = ended.consoles[place]
    assert not nested.wrong(OURS[number], ended.statuses[place], console), console
