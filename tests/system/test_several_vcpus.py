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
