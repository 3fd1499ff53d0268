"""A CPU with nothing to run halts, and a timer wakes it; one guest's halt is another's time."""

import pytest

HALTING = "mem=8M -- rounds=20 seed=1 via=hlt"


@pytest.mark.parametrize("timer", ["apic", "pit"])
def test_an_idle_cpu_halts_until_the_timer_interrupt(boot, timer):
    result = boot(opts=f"timer={timer}", modules=[("fpu-hold", "name=a " + HALTING)])
    assert result.status == 0
    assert result.one("boot")["timer"] == timer
    cpu = result.one("cpu", cpu=0)
    assert cpu.number("idles") >= 20
    # it did not spin: each idle stretch ended with an interrupt
    assert cpu.number("interrupts") >= cpu.number("idles")


def test_while_one_guest_halts_another_runs(boot):
    result = boot(
        modules=[
            ("fpu-hold", "name=a " + HALTING),
            ("integer", "name=b mem=8M control=on -- forever"),
        ]
    )
    assert result.status == 0
    alone = boot(modules=[("fpu-hold", "name=a " + HALTING)])
    assert result.one("cpu", cpu=0).number("idles") < alone.one("cpu", cpu=0).number("idles")


def test_a_timer_that_falls_due_as_its_guest_is_chosen_is_not_missed(boot):
    """Delays about the length of a slice: one that is due between the choice of the vCPU and its
    first entry must not become a preemption timer of four thousand million ticks."""
    result = boot(
        opts="slice=100",
        modules=[("exits", "name=a mem=8M -- only=event-at-any-delay")],
        timeout=60,
    )
    assert "PASS event-at-any-delay" in result.lines("a")
    assert result.status == 0
