"""crash=kicks: the last CPU runs no guests, and sends NMIs to the others all the time. They strike
at every step: between the ownership check and the entry, where a vCPU is given up and its registers
are saved, where CPUs ask each other, and on the way into a halt. Every register
is as it was left. That none is slept through would not show, as the next one comes soon: that is for
test_crash.py's tests of the windows.

The debugger has Bochs look for an NMI after each instruction."""

import pytest
from struck import share, stretch, struck

BUSY = [
    *[("fpu-hold", f"name=h{n} mem=4M -- rounds=30 seed={n} via=yield,cpuid") for n in (1, 2)],
    ("bench", "name=exits mem=4M -- cpuid=2000"),
    *[
        ("workload", f"name=w{n} mem=4M control=on -- turns=2500 uses=1 exits=1")
        for n in (1, 2, 3)
    ],
]
ALONE = [("fpu-hold", "name=h mem=4M -- rounds=100 via=yield,cpuid")]

# The rest is what fails, what is traced, and what is asserted.
SHARES = {
    "enter_guest": 0.6,
    "fpu_enter": 0.5,
    "loaded_fetch": 0.7,
    "loaded_take": 0.7,
    "give_up": 0.5,
    "fpu_flush": 0.6,
    "fpu_hw_save": 0.6,
    "mail_ask": 0.7,
    "mail_serve": 0.8,
    "turns_put": 0.5,
}
SHARES_ALONE = {"idle": 0.6, "balance_offer": 0.4, "mail_kick": 0.4, "mail_serve": 0.8}


def kicked(boot, guests, cpus):
    opts = "crash=kicks fpu=lazy migrate=1 slice=200"
    result = boot(cpus=cpus, opts=opts, modules=guests, debugger=True, timeout=300)
    assert not [line for line in result.console.splitlines() if "| FAIL" in line]
    assert result.status == 0
    for cpu in result.all("cpu")[:-1]:
        assert cpu.number("nmis") > 5000
        assert cpu.number("nmi_exits") > 500  # in a guest
        assert cpu.number("nmi_first") > 100  # just before an entry
        assert cpu.number("moves") > 1000
    return result


def test_the_last_cpu_runs_no_guests(boot):
    result = kicked(boot, BUSY, 3)
    assert result.one("fpu", cpu=2).number("entries") == 0
    assert result.one("cpu", cpu=2).number("moves") == 0


def test_an_nmi_may_strike_at_each_instruction_from_an_exit_to_the_entry(boot):
    struck_at = set().union(*struck(kicked(boot, BUSY, 3)).values())
    assert stretch("vmx_exit", "vmresume") <= struck_at
    assert stretch("vmx_enter", "vmlaunch") <= struck_at


@pytest.mark.parametrize("function", SHARES)
def test_it_may_strike_where_a_vcpu_is_prepared_and_given_up(boot, function):
    assert share(kicked(boot, BUSY, 3), function) >= SHARES[function]


@pytest.mark.nightly
@pytest.mark.parametrize("function", SHARES_ALONE)
def test_it_may_strike_on_the_way_into_a_halt(boot, function):
    """One guest on three CPUs: wherever it is not, they halt."""
    result = kicked(boot, ALONE, 4)
    assert share(result, function) >= SHARES_ALONE[function]
    halts = sorted(stretch("halt_unless", "sti"))
    assert set(halts[:-1]) <= struck(result)["halt_unless"]
