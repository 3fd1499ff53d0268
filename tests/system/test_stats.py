"""HYPERCALL_GET_STATS: what a guest may know of others."""

import pytest

BUSY = ("fpu-hold", "name=busy mem=8M -- seed=9 rounds=12")


@pytest.mark.parametrize("bits", ["", "32"])
@pytest.mark.parametrize("control", [False, True], ids=["alone-with-itself", "control"])
def test_only_with_control_a_guest_sees_more_than_its_own_counters(boot, control, bits):
    words = "control=on -- control" if control else "--"
    only = "only=hypercall-stats-make-sense,hypercall-errors"
    result = boot(modules=[(f"exits{bits}", f"name=a mem=8M {words} {only}"), BUSY])
    assert "PASS hypercall-stats-make-sense" in result.lines("a")
    assert "PASS hypercall-errors" in result.lines("a")
    assert result.status == 0


def test_who_needs_the_whole_machine_and_may_not_see_it_says_so(boot):
    result = boot(modules=[("integer", "name=a mem=4M -- forever"), BUSY])
    assert result.lines("a") == ["FAIL control: this needs control=on on the module line"]
    assert result.one("vm", name="a", state="ended")["status"] == "1"


def test_a_label_prints_the_whole_cpu_on_the_hosts_console(boot):
    result = boot(modules=[("fpu-hold", "name=a mem=4M control=on -- rounds=1 snapshot peers=1")])
    first = result.one("fpu", snapshot="1", vm="a")
    assert first.number("entries") > 0
    assert result.one("fpu", snapshot="2", vm="a").number("entries") > first.number("entries")
