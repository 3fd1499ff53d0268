"""What takes the CPU back from a guest. The local APIC's timer is forced here where no CPU is
broken; its guests are open to interrupts, as Bochs loses the exit of one entered with IF=0."""

import pytest

HOLD = ("fpu-hold", "name=hold mem=8M -- seed=9 rounds=12")
EXIT = {"vmx": "preemption-timer", "apic": "interrupt"}


def spinners(boot, preemption):
    words = "mem=8M control=on limit=100 -- spin peers=2"
    modules = [("bad", "name=a " + words), ("bad", "name=b " + words)]
    return boot(opts=f"preemption={preemption} slice=500", modules=modules, timeout=60)


@pytest.mark.parametrize("preemption", EXIT)
def test_a_guest_that_never_leaves_does_not_keep_the_cpu(boot, preemption):
    result = boot(
        opts=f"preemption={preemption}",
        modules=[("bad", "name=bad mem=8M control=on limit=300 -- spin peers=2"), HOLD],
        timeout=60,
    )
    assert result.one("boot")["preemption"] == preemption
    assert result.one("vm", name="bad", state="ended")["cause"] == "limit"
    assert result.one("vm", name="hold", state="ended")["status"] == "0"
    assert any("pass=12 fail=0" in line for line in result.lines("hold"))
    assert result.one("exit", vm="bad", reason=EXIT[preemption]).number("count") > 100


def test_slices_are_as_long_by_either_timer(boot):
    slices = {}
    for preemption in EXIT:
        result = spinners(boot, preemption)
        for vm in "ab":
            assert result.one("vm", name=vm, state="ended")["cause"] == "limit"
            reasons = {record["reason"] for record in result.all("exit", vm=vm)}
            assert reasons & set(EXIT.values()) == {EXIT[preemption]}
        slices[preemption] = result.one("fpu", cpu=0).number("switches")
    assert abs(slices["apic"] - slices["vmx"]) < slices["vmx"] / 10


def test_a_guest_with_interrupts_off_gives_the_cpu_back_at_its_next_exit(boot):
    """By the APIC timer: Bochs takes no interrupt that was pending before from a guest with IF=0."""
    words = "mem=8M -- rounds=2 via=preempt"
    modules = [("fpu-hold", f"name={name} {words} seed={i}") for i, name in enumerate("ab")]
    result = boot(opts="slice=100 preemption=apic", modules=modules)
    assert result.status == 0
    assert result.one("fpu", cpu=0).number("switches") > 50  # 21 if it may go on for 64 exits


def test_the_apic_timer_interrupts_once_a_slice(boot):
    """Many exits a slice, and no more interrupts than slices: each is the end of one."""
    result = boot(
        opts="preemption=apic",
        modules=[("integer", "name=a mem=8M -- rounds=40")],
        timeout=60,
    )
    assert result.status == 0
    exits = sum(record.number("count") for record in result.all("exit", vm="a"))
    assert result.one("cpu", cpu=0).number("interrupts") < exits / 4


@pytest.mark.parametrize("timer", ["apic", "pit"])
def test_the_timer_of_slices_and_that_of_an_idle_cpu_do_not_disturb_each_other(boot, timer):
    result = boot(
        opts=f"preemption=apic timer={timer}",
        modules=[("fpu-hold", "name=a mem=8M -- rounds=20 seed=1 via=hlt")],
        timeout=60,
    )
    assert result.status == 0
    record = result.one("boot")
    assert (record["timer"], record["preemption"]) == (timer, "apic")
    assert result.one("cpu", cpu=0).number("idles") >= 20


def test_a_guests_own_timer_ends_its_slice_by_the_apic_timer_too(boot):
    result = boot(
        opts="preemption=apic slice=100",
        modules=[("exits", "name=a mem=8M -- only=event-at-any-delay")],
        timeout=60,
    )
    assert "PASS event-at-any-delay" in result.lines("a")
    assert result.status == 0


@pytest.mark.parametrize(
    "cpu, opts, chosen, warned",
    [
        ("tigerlake", "", "vmx", False),
        ("corei5_arrandale_m520", "", "apic", False),  # 020652h: AAT59
        ("corei5_arrandale_m520", "preemption=vmx", "vmx", True),
    ],
)
def test_a_timer_that_is_known_to_count_wrong_is_used_only_on_demand(
    boot, cpu, opts, chosen, warned
):
    result = boot(cpu=cpu, opts=opts, modules=[("integer", "name=a mem=8M -- rounds=20")])
    assert result.status == 0
    assert result.one("boot")["preemption"] == chosen
    assert ("is known to count wrong" in result.console.replace("\n", " ")) == warned
