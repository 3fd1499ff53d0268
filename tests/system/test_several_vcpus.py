"""VMs with several vCPUs, by the guest smp: they are started, send each other interrupts, and share
memory and devices, on more and fewer CPUs than there are of them.

It is booted on Bochs without the hypervisor too, which says that its checks are right."""

import os

import pytest
from booting import BUILD, bochs
from guests import SPOILS as SPOILS_SEVERAL_CPUS

SPOILS = ("init-edx",)


def defects(names):
    return " ".join(name for name in names if bochs().has(name))


def smp(vcpus, words="", options="", bits="", name="a"):
    told = defects(SPOILS_SEVERAL_CPUS)
    return (f"smp{bits}", f"name={name} mem=16M vcpus={vcpus} {options} -- cpus={vcpus} {told} {words}")


def expect_passes(lines):
    assert not [line for line in lines if line.startswith("FAIL")]
    (last,) = [line for line in lines if line.startswith("RESULT")]
    assert " fail=0 " in last


@pytest.mark.parametrize("bits", ["", "32"])
def test_a_machine_alone(boot, bits):
    alone = os.path.join(BUILD, f"guest/smp{bits}.elf")
    result = boot(hypervisor=alone, protocol=1, cpus=4, opts=f"cpus=4 {defects(SPOILS)}")
    expect_passes(result.console.splitlines())


@pytest.mark.parametrize("cpus", [1, 2, 4])
@pytest.mark.parametrize("vcpus", [1, 2, 4, 16])
def test_in_a_vm(boot, vcpus, cpus):
    result = boot(cpus=cpus, modules=[smp(vcpus)])
    expect_passes(result.lines("a"))
    assert result.status == 0
    assert result.one("vm", name="a", state="started").number("vcpus") == vcpus


def test_a_vcpu_that_spins_for_another_gives_up_its_turn(boot):
    """A baton goes round among four that share one CPU."""
    ticks = {}
    for ple in ("auto", "off"):
        result = boot(cpus=1, opts=f"ple={ple}", modules=[smp(4, "baton=60")])
        assert result.status == 0
        assert bool(result.all("exit", reason="pause")) == (ple == "auto")
        ticks[ple] = result.one("cpu").number("guest_tsc")
    assert ticks["auto"] < ticks["off"] / 2


def ended(result, cause, status):
    record = result.one("vm", name="a", state="ended")
    assert record.has(cause=cause, status=status), record


CLOBBER = ("clobber", "name=peer mem=8M limit=100 control=on -- seed=3")


@pytest.mark.parametrize("cpus", [1, 2, 4])
@pytest.mark.parametrize("vcpus", [2, 4])
def test_one_ends_it_while_the_others_work(boot, vcpus, cpus):
    result = boot(cpus=cpus, modules=[smp(vcpus, "exit", "runs=2")])
    assert result.status == 0
    assert [end["cause"] for end in result.all("vm", state="ended")] == ["exit-port"] * 2


@pytest.mark.parametrize("cpus", [1, 2, 4])
def test_one_resets_it_while_the_others_work(boot, cpus):
    result = boot(cpus=cpus, modules=[smp(4, "reset")])
    assert result.status == 0
    assert len(result.all("vm", state="reset")) == 1
    ended(result, "exit-port", "0")


@pytest.mark.parametrize("cpus", [1, 2])
def test_one_that_fails_ends_it_and_all_are_told_of(boot, cpus):
    result = boot(cpus=cpus, modules=[smp(4, "triple")])
    ended(result, "triple-fault", "1")
    for vcpu in range(4):
        assert f"a: vCPU {vcpu}: RIP=" in result.console


@pytest.mark.parametrize("cpus", [1, 2])
@pytest.mark.parametrize("how", ["halt-all", "halt-ipi", "halt-init"])
def test_it_ends_when_all_have_halted_for_good(boot, how, cpus):
    """Also where the last that halts has sent the others what wakes none of them."""
    result = boot(cpus=cpus, modules=[smp(4, how, "halt=ok")])
    assert result.status == 0
    ended(result, "halted", "0")


def test_its_cpu_time_is_that_of_all(boot):
    result = boot(cpus=2, modules=[smp(4, "work", "limit=30")])
    ended(result, "limit", "1")


def test_it_is_stopped_told_of_started_reset_and_ended(boot):
    """By the monitor, while its vCPUs run on several CPUs."""
    typed = [
        ("state=started", "stop a\r"),
        ("command=stop", "guests\r"),
        ("command=guests", "start a\r"),
        ("command=start", "guests\r"),
        ("command=guests", "reset a\r"),
        ("state=reset", "end a\r"),
    ]
    result = boot(cpus=2, modules=[smp(4, "work")], typed=typed)
    ended(result, "monitor", "1")
    for vcpu in range(4):
        assert f"a: vCPU {vcpu}: RIP=" in result.console


def test_patterns_in_all_fpu_registers_stay_while_vcpus_migrate(boot):
    for fpu in ("lazy", "auto"):
        modules = [smp(4, "only=fpu-patterns rounds=60"), CLOBBER]
        result = boot(cpus=2, opts=f"fpu={fpu} slice=300 migrate=2", modules=modules)
        expect_passes(result.lines("a"))
        moves = [record.number("moves") for record in result.all("fpuctx", vm="a")]
        assert min(moves) > 5
